"""What can go wrong between a bundle and the registry that it is kept in.

RegistryError
├── RegistryUrlInvalid    no file system is known by this address
├── RegistryUnavailable   the store cannot be read or written now
├── ReferenceInvalid      not NAME-VERSION
├── BundleUnknown         the registry has no such bundle
├── EntryInvalid          what is said of a bundle is missing, too large, or not of this format
├── BundleTooLarge        more files or bytes than may be fetched
├── CacheInvalid          the folder holds other things than pulled bundles
├── CacheFull             what is in use leaves no room for it
├── VersionTaken          another manifest is there under the same version
├── PushIncomplete        what was written does not read back
└── KeyInvalid            the file of a private key is none, or would be overwritten
Of a bundle (BundleError, as for everything that must not be served):
├── SignatureMissing      no signature, where one is demanded
├── SignatureInvalid      of another manifest, by a key that is not trusted, or unreadable
├── TrustedKeysInvalid    the trusted keys cannot be read, so nothing is trusted
└── SignatureLibraryMissing   cryptography is not installed, so nothing can be checked
"""

from models.manifest import BundleError


class RegistryError(Exception):
    """The message names the bundle or address, the fault and the remedy."""


class RegistryUrlInvalid(RegistryError):
    pass


class RegistryUnavailable(RegistryError):
    pass


class ReferenceInvalid(RegistryError):
    pass


class BundleUnknown(RegistryError):
    pass


class EntryInvalid(RegistryError):
    pass


class BundleTooLarge(RegistryError):
    pass


class CacheInvalid(RegistryError):
    pass


class CacheFull(RegistryError):
    pass


class VersionTaken(RegistryError):
    pass


class PushIncomplete(RegistryError):
    pass


class KeyInvalid(RegistryError):
    pass


class SignatureMissing(BundleError):
    pass


class SignatureInvalid(BundleError):
    pass


class TrustedKeysInvalid(BundleError):
    pass


class SignatureLibraryMissing(BundleError):
    pass
