{{/* Quickly out; back only after five quiet minutes, a pod a minute. */}}
{{- define "understudy.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - type: Percent
      value: 100
      periodSeconds: 30
scaleDown:
  stabilizationWindowSeconds: 300
  policies:
    - type: Pods
      value: 1
      periodSeconds: 60
{{- end -}}

{{/* (dict "root" $ "component" "gateway" "pdb" .Values.gateway.pdb) */}}
{{- define "understudy.disruption" -}}
{{- if .pdb.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ .pdb.maxUnavailable }}
  # a pod that is not ready keeps no node from being drained
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end -}}
