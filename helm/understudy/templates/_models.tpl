{{/* Serving folders of the models that answer, as a JSON list: the first answers who names none. */}}
{{- define "understudy.served" -}}
{{- $folders := list -}}
{{- range .Values.models -}}
{{- if not (and (hasKey . "serve") (not .serve)) -}}
{{- $folders = append $folders (printf "/serving/%s" .path) -}}
{{- end -}}
{{- end -}}
{{- $folders | default (list "/serving") | toJson -}}
{{- end -}}

{{- define "understudy.firstFolder" -}}
{{- include "understudy.served" . | fromJsonArray | first -}}
{{- end -}}

{{/* A teacher each: a JSON list of model, folder, values. */}}
{{- define "understudy.refreshers" -}}
{{- $found := list -}}
{{- if .Values.refresher.enabled -}}
{{- range .Values.models -}}
{{- $values := mergeOverwrite (deepCopy $.Values.refresher) (deepCopy (default dict .refresher)) -}}
{{- if $values.enabled -}}
{{- $found = append $found (dict "model" .name "folder" (printf "/serving/%s" .path) "values" $values) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.models -}}
{{- $found = list (dict "model" "" "folder" "/serving" "values" .Values.refresher) -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* Which of our own roles there are, as a JSON list. */}}
{{- define "understudy.roles" -}}
{{- $roles := list -}}
{{- range list "gateway" "refresher" "ingest" "archive" "worth" "neighbours" -}}
{{- if (index $.Values .).enabled -}}
{{- $roles = append $roles . -}}
{{- end -}}
{{- end -}}
{{- toJson $roles -}}
{{- end -}}

{{- define "understudy.hasTests" -}}
{{- if and .Values.gateway.enabled (or .Values.tests.enabled .Values.loadTest.enabled) }}yes{{ end -}}
{{- end -}}
