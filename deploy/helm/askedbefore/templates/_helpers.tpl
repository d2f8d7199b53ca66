{{- define "askedbefore.labels" -}}
app.kubernetes.io/name: askedbefore
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "askedbefore.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "askedbefore.environment" -}}
- {name: ASKEDBEFORE_DATABASE_URL, value: {{ .Values.databaseUrl | quote }}}
- {name: ASKEDBEFORE_DATABASE_PASSWORD_FILE, value: /run/secrets/askedbefore/database-password}
- {name: ASKEDBEFORE_REDIS_URL, value: {{ .Values.redisUrl | quote }}}
- {name: ASKEDBEFORE_REDIS_PASSWORD_FILE, value: /run/secrets/askedbefore/redis-password}
- {name: ASKEDBEFORE_ALIVE_FILE, value: /tmp/alive}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "askedbefore.pod" -}}
automountServiceAccountToken: false
{{- with .Values.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "askedbefore.container" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "askedbefore.secrets" -}}
- name: secrets
  secret: {secretName: {{ .Values.existingSecret }}, defaultMode: 288}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}

{{- define "askedbefore.mounts" -}}
- {name: secrets, mountPath: /run/secrets/askedbefore, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}
