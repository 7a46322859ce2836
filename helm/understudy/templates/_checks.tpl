{{/* What no schema can say: values that contradict each other end the rendering, with a remedy. */}}
{{- define "understudy.checks" -}}
{{- $v := .Values -}}
{{- if eq (empty $v.artifact.claim) (empty $v.artifact.image) -}}
{{- fail "artifact: give one of artifact.claim and artifact.image, the folder that `understudy export` wrote" -}}
{{- end -}}
{{- $caches := list -}}
{{- if $v.valkey.enabled }}{{ $caches = append $caches "valkey.enabled" }}{{ end -}}
{{- if $v.cache.urlSecret.name }}{{ $caches = append $caches "cache.urlSecret.name" }}{{ end -}}
{{- if $v.cache.external.hosts }}{{ $caches = append $caches "cache.external.hosts" }}{{ end -}}
{{- if gt (len $caches) 1 -}}
{{- fail (printf "%s: give one of them" (join " and " $caches)) -}}
{{- end -}}
{{- range list "refresher" "ingest" "archive" "worth" "neighbours" -}}
{{- if and (index $v .).enabled (not $caches) -}}
{{- fail (printf "%s.enabled needs a cache: set valkey.enabled, cache.urlSecret.name or cache.external.hosts, or turn it off" .) -}}
{{- end -}}
{{- end -}}
{{- range list "deadline_ms" "drain_s" "soft_ttl_s" "hard_ttl_s" -}}
{{- if kindIs "invalid" (index $v.gateway.settings .) -}}
{{- fail (printf "gateway.settings.%s: give a number, which other objects are made of too" .) -}}
{{- end -}}
{{- end -}}
{{- if le (mulf $v.gateway.preStopS 1000.0) $v.gateway.settings.deadline_ms -}}
{{- fail (printf "gateway.preStopS %v s is not longer than gateway.settings.deadline_ms %v: requests under way would be cut" $v.gateway.preStopS $v.gateway.settings.deadline_ms) -}}
{{- end -}}
{{- if and $v.valkey.enabled (eq $v.valkey.mode "cluster") (not $v.valkey.persistence.enabled) -}}
{{- fail "valkey.persistence.enabled: a node of a cluster that forgets who it was is another node" -}}
{{- end -}}
{{- if and $v.archive.enabled (eq (empty $v.archive.url) (empty $v.archive.claim)) -}}
{{- fail "archive: give one of archive.url and archive.claim" -}}
{{- end -}}
{{- if and $v.neighbours.enabled (not $v.neighbours.bundle) -}}
{{- fail "neighbours.bundle: name the student's folder in the artifact, student-…" -}}
{{- end -}}
{{- if and $v.triton.mode (not $v.triton.repository.claim) -}}
{{- fail "triton.repository.claim: name the claim that holds what `understudy triton` wrote" -}}
{{- end -}}
{{- if and $v.triton.sharedMemory (ne $v.triton.mode "sidecar") -}}
{{- fail "triton.sharedMemory needs triton.mode sidecar: memory is shared within a pod" -}}
{{- end -}}
{{- if and $v.triton.teacher (ne $v.triton.mode "service") -}}
{{- fail "triton.teacher needs triton.mode service: refreshers have no sidecar" -}}
{{- end -}}
{{- if and $v.loadTest.enabled $v.gateway.tls.secretName -}}
{{- fail "loadTest.enabled: the load test speaks plain HTTP; leave gateway.tls.secretName empty, or drive load from outside" -}}
{{- end -}}
{{- end -}}
