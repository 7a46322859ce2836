{{- define "understudy.hasCache" -}}
{{- if or .Values.valkey.enabled .Values.cache.urlSecret.name .Values.cache.external.hosts }}yes{{ end -}}
{{- end -}}

{{/* URL of an external cache; Kubernetes puts the password in as the pod starts. */}}
{{- define "understudy.externalUrl" -}}
{{- $cache := .Values.cache.external -}}
{{- $cache.scheme }}://
{{- if or $cache.username $cache.password.secretName -}}
{{ $cache.username }}{{ if $cache.password.secretName }}:$(REDIS_PASSWORD){{ end }}@
{{- end -}}
{{ join "," $cache.hosts }}
{{- with $cache.path }}/{{ trimPrefix "/" . }}{{ end -}}
{{- if $cache.tls.secretName -}}
?ssl_ca_certs=/etc/understudy/redis-tls/ca.crt
{{- if $cache.tls.client -}}
&ssl_certfile=/etc/understudy/redis-tls/tls.crt&ssl_keyfile=/etc/understudy/redis-tls/tls.key
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "understudy.ownUrl" -}}
{{- if eq .Values.valkey.mode "cluster" }}redis+cluster{{ else }}redis{{ end }}://
{{- if .Values.valkey.password.secretName }}:$(REDIS_PASSWORD)@{{ end -}}
{{ include "understudy.component" (dict "root" . "component" "valkey") }}:6379
{{- end -}}

{{- define "understudy.passwordEnv" -}}
{{- if .secretName }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .key }}
{{- end }}
{{- end -}}

{{/* (dict "root" $ "component" "gateway"): how that role reaches the cache. */}}
{{- define "understudy.redisEnv" -}}
{{- $values := .root.Values -}}
{{- if $values.valkey.enabled }}
{{- include "understudy.passwordEnv" $values.valkey.password }}
- name: UNDERSTUDY_REDIS_URL
  value: {{ include "understudy.ownUrl" .root | quote }}
{{- else if $values.cache.urlSecret.name }}
- name: UNDERSTUDY_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ $values.cache.urlSecret.name }}
      key: {{ index $values.cache.urlSecret.keys .component }}
{{- else if $values.cache.external.hosts }}
{{- include "understudy.passwordEnv" $values.cache.external.password }}
- name: UNDERSTUDY_REDIS_URL
  value: {{ include "understudy.externalUrl" .root | quote }}
{{- end }}
{{- end -}}
