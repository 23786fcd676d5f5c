{{/* The names and labels that all of them share. */}}
{{- define "kenwell.name" -}}
{{- if contains "kenwell" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-kenwell{{ end }}
{{- end }}

{{- define "kenwell.selector" -}}
app.kubernetes.io/name: kenwell
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kenwell.labels" -}}
{{ include "kenwell.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
