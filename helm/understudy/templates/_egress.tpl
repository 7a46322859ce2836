{{- define "understudy.releaseLabels" -}}
app.kubernetes.io/name: {{ include "understudy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "understudy.egressToNames" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}

{{- define "understudy.egressToCache" -}}
{{- if .Values.valkey.enabled }}
- ports:
    - port: 6379
  to:
    - podSelector:
        matchLabels:
          {{- include "understudy.selectorLabels" (dict "root" . "component" "valkey") | nindent 10 }}
{{- else if include "understudy.hasCache" . }}
- ports:
    {{- range .Values.networkPolicy.cachePorts }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.networkPolicy.cacheTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "understudy.egressToCollector" -}}
{{- with .Values.gateway.tracing }}
{{- if .ratio }}
{{- $url := urlParse .endpoint }}
- ports:
    - port: {{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
  {{- with $.Values.networkPolicy.tracesTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}
