{{/* By which rules, dashboard and autoscaling tell this release's series from another's. */}}
{{- define "understudy.releaseLabel" -}}
- targetLabel: understudy
  replacement: {{ include "understudy.fullname" . }}
{{- end -}}
