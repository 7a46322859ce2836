{{/* What no schema can say: values that contradict each other end the rendering, with a remedy. */}}
{{- define "understudy.checks" -}}
{{- include "understudy.checkArtifact" . -}}
{{- include "understudy.checkCache" . -}}
{{- include "understudy.checkGateway" . -}}
{{- include "understudy.checkScaling" . -}}
{{- include "understudy.checkTriton" . -}}
{{- end -}}

{{- define "understudy.checkArtifact" -}}
{{- $v := .Values -}}
{{- $reading := without (include "understudy.roles" . | fromJsonArray) "archive" -}}
{{- if and $reading (eq (empty $v.artifact.claim) (empty $v.artifact.image)) -}}
{{- fail "artifact: give one of artifact.claim and artifact.image, the folder that `understudy export` wrote" -}}
{{- end -}}
{{- $names := list -}}
{{- $served := 0 -}}
{{- range $v.models -}}
{{- $names = append $names .name -}}
{{- if not (and (hasKey . "serve") (not .serve)) }}{{ $served = add1 $served }}{{ end -}}
{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}
{{- fail (printf "models: two are named alike (%s); a name is part of its refresher's" (join ", " $names)) -}}
{{- end -}}
{{- if and $names $v.gateway.enabled (not $served) -}}
{{- fail "models: none is served; leave serve out of the one that answers, or set gateway.enabled to false" -}}
{{- end -}}
{{- if and $v.neighbours.enabled (not $v.neighbours.bundle) -}}
{{- fail "neighbours.bundle: name the student's folder in the artifact, student-…" -}}
{{- end -}}
{{- if and $v.archive.enabled (eq (empty $v.archive.url) (empty $v.archive.claim)) -}}
{{- fail "archive: give one of archive.url and archive.claim" -}}
{{- end -}}
{{- end -}}

{{- define "understudy.checkCache" -}}
{{- $v := .Values -}}
{{- $caches := list -}}
{{- if $v.valkey.enabled }}{{ $caches = append $caches "valkey.enabled" }}{{ end -}}
{{- if $v.cache.urlSecret.name }}{{ $caches = append $caches "cache.urlSecret.name" }}{{ end -}}
{{- if $v.cache.external.hosts }}{{ $caches = append $caches "cache.external.hosts" }}{{ end -}}
{{- if gt (len $caches) 1 -}}
{{- fail (printf "%s: give one of them" (join " and " $caches)) -}}
{{- end -}}
{{- range without (include "understudy.roles" . | fromJsonArray) "gateway" -}}
{{- if not $caches -}}
{{- fail (printf "%s.enabled needs a cache: set valkey.enabled, cache.urlSecret.name or cache.external.hosts, or turn it off" .) -}}
{{- end -}}
{{- end -}}
{{- if and $v.valkey.enabled (eq $v.valkey.mode "cluster") (not $v.valkey.persistence.enabled) -}}
{{- fail "valkey.persistence.enabled: a node of a cluster that forgets who it was is another node" -}}
{{- end -}}
{{- end -}}

{{- define "understudy.checkGateway" -}}
{{- $v := .Values -}}
{{- range list "deadline_ms" "drain_s" "soft_ttl_s" "hard_ttl_s" -}}
{{- if kindIs "invalid" (index $v.gateway.settings .) -}}
{{- fail (printf "gateway.settings.%s: give a number, which other objects are made of too" .) -}}
{{- end -}}
{{- end -}}
{{- if le (mulf $v.gateway.preStopS 1000.0) $v.gateway.settings.deadline_ms -}}
{{- fail (printf "gateway.preStopS %v s is not longer than gateway.settings.deadline_ms %v: requests under way would be cut" $v.gateway.preStopS $v.gateway.settings.deadline_ms) -}}
{{- end -}}
{{- if and $v.gateway.tracing.ratio (not $v.gateway.tracing.endpoint) -}}
{{- fail (printf "gateway.tracing.ratio %v needs gateway.tracing.endpoint, the URL of a collector" $v.gateway.tracing.ratio) -}}
{{- end -}}
{{- if and $v.loadTest.enabled (not $v.gateway.enabled) -}}
{{- fail "loadTest.enabled needs gateway.enabled: there is nobody here to ask" -}}
{{- end -}}
{{- if and $v.loadTest.enabled $v.gateway.tls.secretName -}}
{{- fail "loadTest.enabled: the load test speaks plain HTTP; leave gateway.tls.secretName empty, or drive load from outside" -}}
{{- end -}}
{{- end -}}

{{- define "understudy.checkScaling" -}}
{{- range $role := list "gateway" "refresher" "triton" -}}
{{- $values := index $.Values $role -}}
{{- $none := list "0" "0%" -}}
{{- if and (has (toString $values.strategy.maxSurge) $none) (has (toString $values.strategy.maxUnavailable) $none) -}}
{{- fail (printf "%s.strategy: maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced" $role) -}}
{{- end -}}
{{- with $values.autoscaling -}}
{{- if and .kind (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "%s.autoscaling: minReplicas %d is above maxReplicas %d" $role (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "understudy.checkTriton" -}}
{{- $v := .Values -}}
{{- if and $v.triton.mode (not $v.triton.repository.claim) -}}
{{- fail "triton.repository.claim: name the claim that holds what `understudy triton` wrote" -}}
{{- end -}}
{{- if and (eq $v.triton.mode "sidecar") (not $v.gateway.enabled) -}}
{{- fail "triton.mode sidecar needs gateway.enabled: it is part of each gateway's pod" -}}
{{- end -}}
{{- if and $v.triton.sharedMemory (ne $v.triton.mode "sidecar") -}}
{{- fail "triton.sharedMemory needs triton.mode sidecar: memory is shared within a pod" -}}
{{- end -}}
{{- if and $v.triton.teacher (ne $v.triton.mode "service") -}}
{{- fail "triton.teacher needs triton.mode service: refreshers have no sidecar" -}}
{{- end -}}
{{- end -}}
