{{- define "understudy.tritonContainer" -}}
{{- $triton := .Values.triton -}}
name: triton
image: {{ $triton.image }}
command: [tritonserver]
args:
  - --model-repository=/models
  - --disable-auto-complete-config
{{ include "understudy.containerSecurity" . }}
env:
  - name: HOME
    value: /tmp
ports:
  - name: triton-http
    containerPort: 8000
  - name: triton-grpc
    containerPort: 8001
  - name: triton-metrics
    containerPort: 8002
startupProbe:
  httpGet:
    path: /v2/health/ready
    port: triton-http
  periodSeconds: 5
  failureThreshold: {{ divf $triton.startupS 5 | ceil | int }}
readinessProbe:
  httpGet:
    path: /v2/health/ready
    port: triton-http
  periodSeconds: 5
livenessProbe:
  httpGet:
    path: /v2/health/live
    port: triton-http
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- with include "understudy.resources" (dict "values" $triton) | fromYaml }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: models
    mountPath: /models
    readOnly: true
    {{- with $triton.repository.path }}
    subPath: {{ . }}
    {{- end }}
  - name: triton-tmp
    mountPath: /tmp
  - name: shared-memory
    mountPath: /dev/shm
{{- end -}}

{{/* An init container that stays: it is there before the gateway, and outlives its drain. */}}
{{- define "understudy.tritonSidecar" -}}
{{- if eq .Values.triton.mode "sidecar" }}
- {{- include "understudy.tritonContainer" . | nindent 2 | trim | printf " %s" }}
  restartPolicy: Always
{{- end }}
{{- end -}}

{{- define "understudy.tritonVolumes" -}}
- name: models
  persistentVolumeClaim:
    claimName: {{ .Values.triton.repository.claim }}
    readOnly: true
- name: triton-tmp
  emptyDir: {}
- name: shared-memory
  emptyDir:
    medium: Memory
    sizeLimit: 512Mi
{{- end -}}
