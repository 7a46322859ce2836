{{- define "understudy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for "-neighbours" and a revision behind it. */}}
{{- define "understudy.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "understudy.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "understudy.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
The rest takes (dict "root" $ "component" "gateway"), and "model" where a role has a deployment for
each model. Accounts and policies are those of the role.
*/}}
{{- define "understudy.role" -}}
{{- printf "%s-%s" (include "understudy.fullname" .root) .component -}}
{{- end -}}

{{- define "understudy.component" -}}
{{- include "understudy.role" . }}{{ with .model }}-{{ . }}{{ end -}}
{{- end -}}

{{- define "understudy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "understudy.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .model }}
understudy/model: {{ . }}
{{- end }}
{{- end -}}

{{- define "understudy.labels" -}}
{{ include "understudy.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "understudy.metadata" -}}
name: {{ include "understudy.component" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "understudy.labels" . | nindent 2 }}
{{- end -}}

{{/* (dict "root" $ "repository" "understudy-gateway"); a repository with a digest has no tag. */}}
{{- define "understudy.image" -}}
{{- $tag := default .root.Chart.AppVersion .root.Values.image.tag -}}
{{- with .root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .repository }}{{ if not (contains "@" .repository) }}:{{ $tag }}{{ end -}}
{{- end -}}
