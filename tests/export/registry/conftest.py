from tests.registry_fixtures import bundles, kind, later, student, teacher

__all__ = ["bundles", "kind", "later", "student", "teacher"]
