{{/* A probe shows no certificate: where one is demanded it sees the port and no more. */}}
{{- define "understudy.probe" -}}
{{- $tls := .root.Values.gateway.tls -}}
{{- if and $tls.secretName $tls.clientCA -}}
tcpSocket:
  port: http
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if $tls.secretName }}
  scheme: HTTPS
  {{- end }}
{{- end -}}
{{- end -}}
