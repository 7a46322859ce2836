{{/*
What every pod has: (dict "root" $ "component" "gateway" "values" .Values.gateway "graceS" 30), and
"gpus" where more of its containers may have one.
Without service links: those of a Service named understudy would set UNDERSTUDY_PORT and others
that a gateway refuses at start.
*/}}
{{- define "understudy.podSpec" -}}
enableServiceLinks: false
automountServiceAccountToken: false
serviceAccountName: {{ include "understudy.role" . }}
terminationGracePeriodSeconds: {{ .graceS }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $tolerations := .values.tolerations }}
{{- $runtime := "" }}
{{- range default (list .values.gpu) .gpus }}
{{- if and . .enabled }}
{{- $tolerations = concat $tolerations .tolerations }}
{{- $runtime = .runtimeClassName }}
{{- end }}
{{- end }}
{{- with $runtime }}
runtimeClassName: {{ . }}
{{- end }}
{{- with $tolerations | uniq }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.topologySpread }}
topologySpreadConstraints:
  {{- range . }}
  - topologyKey: {{ .topologyKey }}
    maxSkew: {{ .maxSkew }}
    whenUnsatisfiable: {{ .whenUnsatisfiable }}
    {{- if ne $.component "valkey" }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
    labelSelector:
      matchLabels:
        {{- include "understudy.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Requests and limits, with the GPUs or slices of one among the limits: (dict "values" …). */}}
{{- define "understudy.resources" -}}
{{- $resources := deepCopy .values.resources -}}
{{- if and .values.gpu .values.gpu.enabled -}}
{{- $limits := merge (dict .values.gpu.resource .values.gpu.count) (default dict $resources.limits) -}}
{{- $_ := set $resources "limits" $limits -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{- define "understudy.containerSecurity" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* A map of options as arguments: precision: int8 is --precision=int8, item_tier: false --no-item-tier. */}}
{{- define "understudy.options" -}}
{{- range $name, $value := . }}
{{- $option := $name | replace "_" "-" }}
{{- if kindIs "bool" $value }}
- --{{ if not $value }}no-{{ end }}{{ $option }}
{{- else if not (kindIs "invalid" $value) }}
- {{ printf "--%s=%s" $option ($value | toJson | trimAll "\"") | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A number as it was written: Go would print 1048576 as 1.048576e+06. */}}
{{- define "understudy.plain" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{- define "understudy.artifactVolume" -}}
- name: artifact
  {{- if .Values.artifact.claim }}
  persistentVolumeClaim:
    claimName: {{ .Values.artifact.claim }}
    readOnly: true
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end -}}

{{- define "understudy.artifactMount" -}}
- name: artifact
  mountPath: /serving
  readOnly: true
  {{- with .Values.artifact.subPath }}
  subPath: {{ . }}
  {{- end }}
{{- end -}}

{{/* The artifact's image has no part in the pod's life but this copy. */}}
{{- define "understudy.artifactCopy" -}}
{{- if .Values.artifact.image }}
- name: artifact
  image: {{ .Values.artifact.image }}
  command: [cp, -R, {{ printf "%s/." .Values.artifact.path }}, /artifact]
  {{- include "understudy.containerSecurity" . | nindent 2 }}
  volumeMounts:
    - name: artifact
      mountPath: /artifact
{{- end }}
{{- end -}}

{{- define "understudy.redisMount" -}}
{{- if .Values.cache.external.tls.secretName }}
- name: redis-tls
  mountPath: /etc/understudy/redis-tls
  readOnly: true
{{- end }}
{{- end -}}

{{- define "understudy.redisVolume" -}}
{{- with .Values.cache.external.tls.secretName }}
- name: redis-tls
  secret:
    secretName: {{ . }}
{{- end }}
{{- end -}}

{{- define "understudy.strategy" -}}
strategy:
  rollingUpdate:
    maxSurge: {{ .maxSurge }}
    maxUnavailable: {{ .maxUnavailable }}
{{- end -}}
