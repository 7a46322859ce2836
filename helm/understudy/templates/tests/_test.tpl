{{/* (dict "root" $ "name" "ready"): a pod of `helm test`, which runs files/tests/NAME.py. */}}
{{- define "understudy.test" -}}
{{- $this := dict "root" .root "component" "test" -}}
{{- if and .root.Values.tests.enabled .root.Values.gateway.enabled (not .root.Values.gateway.tls.clientCA) }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "understudy.component" $this }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "understudy.labels" $this | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  {{- $values := pick .root.Values.gateway "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
  {{- include "understudy.podSpec" (merge (dict "values" $values "graceS" 5) $this) | nindent 2 }}
  containers:
    - name: {{ .name }}
      image: {{ include "understudy.image" (dict "root" .root "repository" .root.Values.gateway.repository) }}
      command: [python, -c]
      args:
        - {{ .root.Files.Get (printf "files/tests/%s.py" .name) | toJson }}
      {{- include "understudy.containerSecurity" .root | nindent 6 }}
      env:
        - name: GATEWAY_URL
          value: {{ include "understudy.gatewayUrl" .root }}
        - name: HAS_KEYS
          value: {{ ternary "yes" "" (not (empty .root.Values.gateway.keys.secretName)) | quote }}
{{- end }}
{{- end -}}

{{- define "understudy.gatewayUrl" -}}
{{ ternary "https" "http" (not (empty .Values.gateway.tls.secretName)) }}://
{{- include "understudy.component" (dict "root" . "component" "gateway") }}:{{ .Values.gateway.service.port }}
{{- end -}}
