package zendesk

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// published is how an answer's objects are decoded: the file's key, and what an
// item becomes.
type published struct {
	files string // names, without .json
	key   string
	item  func() any
}

func of[T any]() any { return new(T) }

var publishedAnswers = []published{
	{"account_settings real_account_settings", "settings", of[AccountSettings]},
	{"security_settings", "security_settings", of[SecuritySettings]},
	{"recipient_addresses_list real_recipient_addresses real2_recipient_addresses", "recipient_addresses", of[SupportAddress]},
	{"recipient_address_show real2_recipient_address_external", "recipient_address", of[SupportAddress]},
	{"brands_list real_brands", "brands", of[Brand]},
	{"brand_show real2_brand", "brand", of[Brand]},
	{"host_mapping_valid host_mapping_invalid_cname host_mapping_wrong_cname", "", of[HostMapping]},
	{"users_list real_users real2_users incremental_users_cursor", "users", of[User]},
	{"user_me real2_user_me user_show", "user", of[User]},
	{"users_count", "count", of[Count]},
	{"custom_roles_list real_custom_roles", "custom_roles", of[Role]},
	{"real2_custom_role", "custom_role", of[Role]},
	{"sessions_list", "sessions", of[sessionJSON]},
	{"triggers_list triggers_active real_triggers real2_triggers", "triggers", of[ruleJSON]},
	{"automations_list real_automations real2_automations", "automations", of[ruleJSON]},
	{"targets_list real_targets", "targets", of[targetJSON]},
	{"real_webhooks", "webhooks", of[webhookJSON]},
	{"oauth_clients_list real_oauth_clients", "clients", of[oauthAppJSON]},
	{"oauth_global_clients_list real_oauth_global_clients", "global_clients", of[oauthAppJSON]},
	{"oauth_tokens_list", "tokens", of[Token]},
	{"audit_logs_list", "audit_logs", of[AuditEntry]},
	{"suspended_tickets_list", "suspended_tickets", of[suspendedJSON]},
	{"deletion_schedules_list", "deletion_schedules", of[DeletionSchedule]},
	{"ticket_fields_list real_ticket_fields", "ticket_fields", of[Field]},
	{"ticket_forms_list real_ticket_forms", "ticket_forms", of[TicketForm]},
	{"real_workspaces", "workspaces", of[workspaceJSON]},
	{"sharing_agreements_list real_sharing_agreements", "sharing_agreements", of[SharingAgreement]},
	{"real_apps_installations", "installations", of[installedJSON]},
	{"real_apps_owned", "apps", of[OwnedApp]},
	{"real_user_segments", "user_segments", of[UserSegment]},
	{"real_guide_permission_groups", "permission_groups", of[permissionJSON]},
}

// Answers as the vendor documents them, and as accounts gave them, decode without
// loss: every field that a type has and the answer has too is the same in both.
// MAILCHECK_CORPUS names a folder; the answers lie in zendesk/examples beside it.
func TestPublishedAnswers(t *testing.T) {
	corpus := os.Getenv("MAILCHECK_CORPUS")
	if corpus == "" {
		t.Log("NOT RUN: MAILCHECK_CORPUS is not set; TestAnswersOfZendesktest reads answers of the same shapes")
		return
	}
	dir := filepath.Join(corpus, "..", "zendesk", "examples")
	known := map[string]bool{}
	for _, p := range publishedAnswers {
		for _, name := range strings.Fields(p.files) {
			known[name] = true
			t.Run(name, func(t *testing.T) {
				data, err := os.ReadFile(filepath.Join(dir, name+".json"))
				require.NoError(t, err)
				items := itemsOf(t, data, p.key)
				for _, raw := range items {
					compare(t, raw, p.item())
				}
				t.Logf("%d objects", len(items))
			})
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	var others []string
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); !known[name] {
			others = append(others, name)
		}
	}
	assert.Equal(t, notAsked, others, "of endpoints that are not asked, or of no GET")
}

var notAsked = strings.Fields(`MANIFEST api_v2_accounts_available brand_agents_list cursor_page_shape deleted_users_list
	email_notifications_list error_429_headers groups_list incremental_tickets_cursor job_status locales_list
	oauth_client_credentials_request oauth_token_grant_type password_requirements real2_error_404 real2_headers
	real_cursor_page_dynamic_content real_groups real_hc_general_settings real_locales real_twitter_handles
	recipient_address_create recipient_address_update session_show target_failures_list trigger_definitions
	twitter_handles user_identities`)

// The same of the answers that zendesktest gives, which are of the same shapes.
func TestAnswersOfZendesktest(t *testing.T) {
	s := zendesktest.NewServer(zendesktest.Acme())
	defer s.Close()
	keys := map[string]published{}
	for _, p := range publishedAnswers {
		keys[p.key] = p
	}
	for _, e := range Endpoints() {
		p, known := keys[sources[e].key]
		if !known || p.key == "" {
			continue
		}
		t.Run(string(e), func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, sources[e].url(parsed(t, s.URL)).String(), nil)
			r.Header.Set("Authorization", "Bearer acme-token")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			require.Equal(t, http.StatusOK, w.Code)
			for _, raw := range itemsOf(t, w.Body.Bytes(), p.key) {
				compare(t, raw, p.item())
			}
		})
	}
}

// itemsOf are the objects under a key: one, or a list that must read as a page.
func itemsOf(t *testing.T, data []byte, key string) []json.RawMessage {
	if key == "" {
		return []json.RawMessage{data}
	}
	var envelope map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &envelope))
	require.Contains(t, envelope, key)
	if bytes.HasPrefix(envelope[key], []byte("{")) {
		return []json.RawMessage{envelope[key]}
	}
	p, f := readPage(data, key, sources[EndpointMe].url(parsed(t, "https://example.zendesk.com")))
	require.Nil(t, f)
	return p.items
}

// compare decodes an object and holds every field that came of it against the
// answer.
func compare(t *testing.T, raw json.RawMessage, into any) {
	t.Helper()
	require.Nil(t, decode(raw, into, "item"))
	back, err := json.Marshal(into)
	require.NoError(t, err)
	var want, got any
	require.NoError(t, json.Unmarshal(raw, &want))
	require.NoError(t, json.Unmarshal(back, &got))
	n := 0
	sameFields(t, "", shapeOf(reflect.TypeOf(into).Elem()), want, got, &n)
	assert.NotZero(t, n, "no field at all")
}

// shape is which fields a type reads, by their JSON names.
type shape map[string]shape

func shapeOf(typ reflect.Type) shape {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8 {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || strings.HasPrefix(typ.Name(), "Opt[") {
		return nil
	}
	s := shape{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			for k, v := range shapeOf(f.Type) {
				if _, outer := s[k]; !outer {
					s[k] = v
				}
			}
			continue
		}
		s[name] = shapeOf(f.Type)
	}
	return s
}

func sameFields(t *testing.T, path string, s shape, want, got any, n *int) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		if s == nil {
			assert.Equal(t, want, got, path) // raw
			return
		}
		g, _ := got.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if inner, reads := s[k]; reads {
				*n++
				sameFields(t, path+"."+k, inner, w[k], g[k], n)
			}
		}
	case []any:
		g, _ := got.([]any)
		if len(w) == 0 {
			return
		}
		require.Len(t, g, len(w), path)
		for i := range w {
			sameFields(t, path+"[]", s, w[i], g[i], n)
		}
	default:
		assert.Equal(t, plain(want), plain(got), path)
	}
}

// plain makes one value of those that mean the same: "true" and true, a number
// and its string, null and the zero of what cannot be null.
func plain(v any) any {
	switch v {
	case "true":
		return true
	case "false":
		return false
	case nil, 0.0, "0", "":
		return nil
	}
	if s, ok := v.(string); ok {
		if n, err := integer([]byte(s)); err == nil {
			return float64(n)
		}
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			return at.UTC()
		}
	}
	return v
}

// Every field that the checks name is one that a type reads.
func TestFieldsThatRulesNeed(t *testing.T) {
	for _, tt := range []struct {
		typ    any
		fields string
	}{
		{AccountSettings{}, `active_features.sandbox active_features.bcc_archiving active_features.custom_dkim_domain active_features.rich_content_in_emails active_features.rich_content_in_email
			active_features.suspended_ticket_notification active_features.facebook_login active_features.google_login active_features.twitter_login active_features.chat
			agents.agent_workspace api.api_password_access api.api_password_access_end_users api.api_token_access chat.enabled device_metadata.enabled device_metadata.hide_ip device_metadata.hide_location
			email.accept_wildcard_emails email.custom_dkim_domain email.email_sender_authentication email.email_sender_authentication_profile email.personalized_replies email.rich_content_in_emails
			tickets.private_attachments tickets.email_attachments tickets.agent_ticket_deletion tickets.bcc_archiving_enabled voice.enabled voice.recordings_public
			voice.voice_transcriptions_pci_redaction voice.voice_transcriptions_pii_redaction`},
		{SecuritySettings{}, `mobile_app_access mobile_app_session_timeout agent_session_timeout maximum_session_duration_enabled maximum_session_duration end_user_session_timeout
			assumable assumption_duration assumption_expiration assumable_account_type two_factor_last_update admins_can_set_user_passwords email_agent_when_sensitive_fields_changed csp_blocking_enabled
			ip.ip_restriction_enabled ip.ip_ranges ip.enable_agent_ip_restrictions
			authentication.agent.zendesk_login authentication.agent.security_policy_name authentication.agent.security_policy_id authentication.agent.remote_login authentication.agent.google_login
			authentication.agent.office_365_login authentication.agent.enforce_sso authentication.agent.sso_auto_redirect authentication.agent.primary_external_auth authentication.agent.office_365_enforce_tid
			authentication.agent.office_365_allowed_tids authentication.agent.remote_bypass authentication.agent.remote_bypass_name authentication.agent.two_factor_enforce
			authentication.agent.password.password_length authentication.agent.password.password_complexity authentication.agent.password.password_in_mixed_case authentication.agent.password.failed_attempts_allowed
			authentication.agent.password.max_sequence authentication.agent.password.password_history_length authentication.agent.password.password_duration
			authentication.agent.password.disallow_local_part_from_email authentication.agent.password.is_available
			authentication.end_user.google_login authentication.end_user.facebook_login authentication.end_user.office_365_login authentication.end_user.twitter_login authentication.end_user.security_policy_name`},
		{User{}, `id role custom_role_id role_type active suspended restricted_agent shared_agent two_factor_auth_enabled last_login_at created_at`},
		{userJSON{}, `email alias verified`},
		{SupportAddress{}, `id email name brand_id default forwarding_status spf_status cname_status domain_verification_status domain_verification_code dns_results created_at updated_at`},
		{Brand{}, `id name active is_deleted has_help_center help_center_state subdomain brand_url host_mapping`},
		{HostMapping{}, `is_valid cname expected_cnames reason`},
		{Role{}, `id name role_type team_member_count configuration.ticket_access configuration.ticket_deletion configuration.manage_business_rules configuration.manage_extensions_and_channels
			configuration.end_user_profile_access configuration.user_view_access configuration.view_deleted_tickets configuration.group_access configuration.ticket_redaction`},
		{sessionJSON{}, `user_id authenticated_at last_seen_at`},
		{ruleJSON{}, `id title active actions.field actions.value conditions updated_at`},
		{targetJSON{}, `id type active target_url email username`},
		{webhookJSON{}, `id status endpoint authentication.type`},
		{oauthAppJSON{}, `id name identifier kind redirect_uri global user_id created_at updated_at`},
		{Token{}, `id client_id user_id scopes created_at expires_at used_at refresh_token_expires_at`},
		{AuditEntry{}, `id action actor_id source_id source_type created_at`},
		{suspendedJSON{}, `cause author.email created_at`},
		{DeletionSchedule{}, `id title active default object conditions.all.field conditions.all.operator conditions.all.value`},
		{Field{}, `id type title raw_title active visible_in_portal required_in_portal regexp_for_validation key`},
		{TicketForm{}, `id active ticket_field_ids`},
		{workspaceJSON{}, `id title activated conditions.all conditions.any`},
		{SharingAgreement{}, `id name partner_name remote_subdomain type status`},
		{installedJSON{}, `id app_id enabled settings.name role_restrictions group_restrictions updated_at`},
		{OwnedApp{}, `deprecated obsolete visibility`},
		{phoneJSON{}, `id nickname number voice_enabled external recorded call_recording_consent transcription failover_number`},
		{UserSegment{}, `id name user_type built_in`},
		{permissionJSON{}, `id name built_in edit publish`},
		{Count{}, `value refreshed_at`},
	} {
		for field := range strings.FieldsSeq(tt.fields) {
			s := shapeOf(reflect.TypeOf(tt.typ))
			for name := range strings.SplitSeq(field, ".") {
				inner, ok := s[name]
				assert.True(t, ok, "%T has no %s", tt.typ, field)
				s = inner
			}
		}
	}
}
