{{/*
A process behind the cache: (dict "root" $ "component" "ingest" "values" .Values.ingest "args" (list …)
"repository" "…" "env" "" "volume" dict). Any number of each may run and any may be killed, which is
why nothing here asks whether they are alive: the end of a process is the sign, and what is in work
then is given to another.
*/}}
{{- define "understudy.backstage" -}}
{{- $values := .values -}}
{{- $scaling := default dict $values.autoscaling -}}
{{- $pod := merge (dict "graceS" 30) . -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
spec:
  {{- if not $scaling.kind }}
  replicas: {{ $values.replicas }}
  {{- end }}
  {{- with $values.strategy }}
  {{- include "understudy.strategy" . | nindent 2 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "understudy.labels" . | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "understudy.podSpec" $pod | nindent 6 }}
      {{- with include "understudy.artifactCopy" .root | trim }}
      initContainers:
        {{- . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "understudy.image" (dict "root" .root "repository" .repository) }}
          args:
            - {{ .command }}
            {{- range .args }}
            - {{ . | quote }}
            {{- end }}
            {{- with include "understudy.options" $values.options | trim }}
            {{- . | nindent 12 }}
            {{- end }}
          {{- include "understudy.containerSecurity" .root | nindent 10 }}
          {{- with $values.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          env:
            - name: UNDERSTUDY_METRICS_PORT
              value: "9100"
            - name: UNDERSTUDY_LOG_FORMAT
              value: json
            - name: UNDERSTUDY_LOG_LEVEL
              value: {{ default "info" .root.Values.gateway.settings.log_level }}
            {{- range $name, $value := default dict .env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
            {{- with include "understudy.redisEnv" . | trim }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - name: metrics
              containerPort: 9100
          # its models are loaded and it has begun
          readinessProbe:
            httpGet:
              path: /metrics
              port: metrics
            periodSeconds: 5
            timeoutSeconds: 3
          {{- with include "understudy.resources" (dict "values" $values) | fromYaml }}
          resources:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            {{- include "understudy.artifactMount" .root | nindent 12 }}
            - name: tmp
              mountPath: /tmp
            {{- with include "understudy.redisMount" .root | trim }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with .claim }}
            - name: archive
              mountPath: /archive
            {{- end }}
      volumes:
        {{- include "understudy.artifactVolume" .root | nindent 8 }}
        - name: tmp
          emptyDir: {}
        {{- with include "understudy.redisVolume" .root | trim }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with .claim }}
        - name: archive
          persistentVolumeClaim:
            claimName: {{ . }}
        {{- end }}
{{- end -}}

{{/* An age means the same to whoever writes a page and whoever reads it. */}}
{{- define "understudy.ages" -}}
UNDERSTUDY_SOFT_TTL_S: {{ include "understudy.plain" .Values.gateway.settings.soft_ttl_s | quote }}
UNDERSTUDY_HARD_TTL_S: {{ include "understudy.plain" .Values.gateway.settings.hard_ttl_s | quote }}
{{- end -}}
