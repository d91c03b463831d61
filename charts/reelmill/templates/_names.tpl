{{- define "reelmill.name" -}}
{{- .Values.fullnameOverride | default (printf "%s-operator" .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "reelmill.selector" -}}
app.kubernetes.io/name: reelmill
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "reelmill.labels" -}}
{{ include "reelmill.selector" . }}
app.kubernetes.io/part-of: reelmill
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "reelmill.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "reelmill.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* list of an image's values and the chart's appVersion -> reference */}}
{{- define "reelmill.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default (index . 1) }}
{{- end -}}
{{- end -}}

{{/* The namespaces that the release serves by Roles, as a JSON list. */}}
{{- define "reelmill.namespaces" -}}
{{- if eq .Values.scope "namespaced" -}}
{{ .Values.namespaces | default (list .Release.Namespace) | toJson }}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* The ports of the servers that addresses name: of a list of texts, and of values of variables. As a JSON list. */}}
{{- define "reelmill.endpointPorts" -}}
{{- $texts := .addresses -}}
{{- range .variables }}{{ $texts = append $texts (get . "value" | toString) }}{{ end -}}
{{- $ports := list -}}
{{- range $texts -}}
{{- with regexFind "^https?://[^/?#\\s]+" . -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" .) | default (ternary "443" "80" (hasPrefix "https" .)) | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{- define "reelmill.dashboard.name" -}}
{{- printf "%s-dashboard" (.Values.fullnameOverride | default .Release.Name | trunc 52 | trimSuffix "-") -}}
{{- end -}}

{{- define "reelmill.dashboard.selector" -}}
app.kubernetes.io/name: reelmill
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: dashboard
{{- end -}}

{{- define "reelmill.dashboard.labels" -}}
{{ include "reelmill.labels" . | replace "app.kubernetes.io/component: operator" "app.kubernetes.io/component: dashboard" }}
{{- end -}}

{{- define "reelmill.dashboard.serviceAccount" -}}
{{- $account := .Values.dashboard.serviceAccount -}}
{{- $account.name | default (ternary (include "reelmill.dashboard.name" .) "default" $account.create) -}}
{{- end -}}

{{/* A list of the policy's patterns -> one regular expression for whole names. */}}
{{- define "reelmill.expression" -}}
{{- $all := list -}}
{{- range . -}}
{{- $all = append $all (. | replace "." "\\." | replace "**" "\u0001" | replace "*" "[^/]*" | replace "\u0001" ".*") -}}
{{- end -}}
^(?:{{ join "|" $all }})$
{{- end -}}
