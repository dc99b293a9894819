package zendesk

import "time"

// AccountSettings are what rules need of GET /api/v2/account/settings.
type AccountSettings struct {
	ActiveFeatures struct {
		Sandbox                     Bool `json:"sandbox,omitzero"`
		BCCArchiving                Bool `json:"bcc_archiving,omitzero"`
		CustomDKIMDomain            Bool `json:"custom_dkim_domain,omitzero"`
		RichContentInEmails         Bool `json:"rich_content_in_emails,omitzero"`
		RichContentInEmail          Bool `json:"rich_content_in_email,omitzero"` // as the documentation's table spells it
		SuspendedTicketNotification Bool `json:"suspended_ticket_notification,omitzero"`
		FacebookLogin               Bool `json:"facebook_login,omitzero"`
		GoogleLogin                 Bool `json:"google_login,omitzero"`
		TwitterLogin                Bool `json:"twitter_login,omitzero"`
		Chat                        Bool `json:"chat,omitzero"`
		Voice                       Bool `json:"voice,omitzero"`
		LightAgents                 Bool `json:"light_agents,omitzero"`
		AgentForwarding             Bool `json:"agent_forwarding,omitzero"`
		AccessLogs                  Bool `json:"access_logs_enabled,omitzero"` // undocumented
	} `json:"active_features,omitzero"`
	Agents struct {
		AgentWorkspace     Bool `json:"agent_workspace,omitzero"`
		IdleTimeoutEnabled Bool `json:"idle_timeout_enabled,omitzero"`
	} `json:"agents,omitzero"`
	API struct {
		PasswordAccess         Bool `json:"api_password_access,omitzero"` // older accounts
		PasswordAccessEndUsers Bool `json:"api_password_access_end_users,omitzero"`
		TokenAccess            Bool `json:"api_token_access,omitzero"`
	} `json:"api,omitzero"`
	Apps struct {
		Use           Bool `json:"use,omitzero"`
		CreatePrivate Bool `json:"create_private,omitzero"`
		CreatePublic  Bool `json:"create_public,omitzero"`
	} `json:"apps,omitzero"`
	Brands struct {
		DefaultBrandID ID `json:"default_brand_id,omitzero"`
	} `json:"brands,omitzero"`
	Chat struct {
		Available  Bool `json:"available,omitzero"`
		Enabled    Bool `json:"enabled,omitzero"`
		Integrated Bool `json:"integrated,omitzero"`
	} `json:"chat,omitzero"`
	DeviceMetadata struct {
		Enabled      Bool `json:"enabled,omitzero"`
		HideIP       Bool `json:"hide_ip,omitzero"`
		HideLocation Bool `json:"hide_location,omitzero"`
	} `json:"device_metadata,omitzero"`
	Email struct {
		AcceptWildcardEmails        Bool        `json:"accept_wildcard_emails,omitzero"`
		CustomDKIMDomain            Bool        `json:"custom_dkim_domain,omitzero"`
		SenderAuthentication        Bool        `json:"email_sender_authentication,omitzero"`
		SenderAuthenticationProfile Opt[string] `json:"email_sender_authentication_profile,omitzero"` // "default" or "enhanced"
		PersonalizedReplies         Bool        `json:"personalized_replies,omitzero"`
		RichContentInEmails         Bool        `json:"rich_content_in_emails,omitzero"`
		GmailActions                Bool        `json:"gmail_actions,omitzero"`
		SendGmailMessagesViaGmail   Bool        `json:"send_gmail_messages_via_gmail,omitzero"`
	} `json:"email,omitzero"`
	Limits struct {
		AttachmentSize Opt[int64] `json:"attachment_size,omitzero"` // octets
	} `json:"limits,omitzero"`
	Tickets struct {
		PrivateAttachments         Bool `json:"private_attachments,omitzero"`
		EmailAttachments           Bool `json:"email_attachments,omitzero"`
		AgentTicketDeletion        Bool `json:"agent_ticket_deletion,omitzero"`
		CommentsPublicByDefault    Bool `json:"comments_public_by_default,omitzero"`
		FirstCommentPrivateEnabled Bool `json:"is_first_comment_private_enabled,omitzero"`
		LightAgentEmailCCsAllowed  Bool `json:"light_agent_email_ccs_allowed,omitzero"`
		BCCArchivingEnabled        Bool `json:"bcc_archiving_enabled,omitzero"` // undocumented
	} `json:"tickets,omitzero"`
	User struct {
		AgentCreatedWelcomeEmails    Bool `json:"agent_created_welcome_emails,omitzero"`
		EndUserPhoneNumberValidation Bool `json:"end_user_phone_number_validation,omitzero"`
	} `json:"user,omitzero"`
	Voice struct {
		Enabled                   Bool `json:"enabled,omitzero"`
		RecordingsPublic          Bool `json:"recordings_public,omitzero"`
		TranscriptionPCIRedaction Bool `json:"voice_transcriptions_pci_redaction,omitzero"` // undocumented
		TranscriptionPIIRedaction Bool `json:"voice_transcriptions_pii_redaction,omitzero"` // undocumented
	} `json:"voice,omitzero"`
}

// SecuritySettings are GET /api/v2/security_settings. Durations are minutes.
type SecuritySettings struct {
	AdminsCanSetUserPasswords            Bool           `json:"admins_can_set_user_passwords,omitzero"`
	AgentSessionTimeout                  Opt[int64]     `json:"agent_session_timeout,omitzero"`
	EndUserSessionTimeout                Opt[int64]     `json:"end_user_session_timeout,omitzero"`
	MaximumSessionDuration               Opt[int64]     `json:"maximum_session_duration,omitzero"`
	MaximumSessionDurationEnabled        Bool           `json:"maximum_session_duration_enabled,omitzero"`
	MobileAppAccess                      Bool           `json:"mobile_app_access,omitzero"`
	MobileAppSessionTimeout              Opt[int64]     `json:"mobile_app_session_timeout,omitzero"`
	Assumable                            Bool           `json:"assumable,omitzero"`              // Zendesk's staff may take over the account
	AssumableAccountType                 Bool           `json:"assumable_account_type,omitzero"` // always assumable: a trial, say
	AssumptionDuration                   Opt[string]    `json:"assumption_duration,omitzero"`    // off, day, week, month, year, always
	AssumptionExpiration                 Opt[time.Time] `json:"assumption_expiration,omitzero"`
	CSPBlockingEnabled                   Bool           `json:"csp_blocking_enabled,omitzero"`
	EmailAgentWhenSensitiveFieldsChanged Bool           `json:"email_agent_when_sensitive_fields_changed,omitzero"`
	TwoFactorLastUpdate                  Opt[time.Time] `json:"two_factor_last_update,omitzero"`
	Authentication                       struct {
		Agent   Authentication `json:"agent,omitzero"`
		EndUser Authentication `json:"end_user,omitzero"`
	} `json:"authentication,omitzero"`
	IP struct {
		Enabled    Bool        `json:"ip_restriction_enabled,omitzero"`
		Ranges     Opt[string] `json:"ip_ranges,omitzero"` // separated by blanks: CIDR, or * in the place of numbers
		AgentsOnly Bool        `json:"enable_agent_ip_restrictions,omitzero"`
	} `json:"ip,omitzero"`
}

// Authentication is how one side, the team or the end users, may sign in.
type Authentication struct {
	ZendeskLogin        Bool        `json:"zendesk_login,omitzero"` // with a password of Zendesk's own
	GoogleLogin         Bool        `json:"google_login,omitzero"`
	Office365Login      Bool        `json:"office_365_login,omitzero"`
	Office365EnforceTID Bool        `json:"office_365_enforce_tid,omitzero"`
	Office365TIDs       Opt[string] `json:"office_365_allowed_tids,omitzero"`
	FacebookLogin       Bool        `json:"facebook_login,omitzero"` // end users only, as the next
	TwitterLogin        Bool        `json:"twitter_login,omitzero"`
	RemoteLogin         Bool        `json:"remote_login,omitzero"` // SAML or JWT
	EnforceSSO          Bool        `json:"enforce_sso,omitzero"`
	SSOAutoRedirect     Bool        `json:"sso_auto_redirect,omitzero"`
	PrimaryExternalAuth Opt[string] `json:"primary_external_auth,omitzero"`
	RemoteBypass        Opt[int64]  `json:"remote_bypass,omitzero"` // who may pass by SSO: 1 the owner, 2 all admins
	RemoteBypassName    Opt[string] `json:"remote_bypass_name,omitzero"`
	TwoFactorEnforce    Bool        `json:"two_factor_enforce,omitzero"`
	PolicyID            Opt[int64]  `json:"security_policy_id,omitzero"`   // 100 low, 200 medium, 300 high, 350 recommended, 400 custom
	PolicyName          Opt[string] `json:"security_policy_name,omitzero"` // the same in words
	Password            Password    `json:"password,omitzero"`             // the team's only
}

// Password is what a password has to be.
type Password struct {
	Length            Opt[int64] `json:"password_length,omitzero"`
	Complexity        Opt[int64] `json:"password_complexity,omitzero"` // 0, 1 or 2
	MixedCase         Bool       `json:"password_in_mixed_case,omitzero"`
	FailedAttempts    Opt[int64] `json:"failed_attempts_allowed,omitzero"`
	MaxSequence       Opt[int64] `json:"max_sequence,omitzero"`
	History           Opt[int64] `json:"password_history_length,omitzero"`
	Duration          Opt[int64] `json:"password_duration,omitzero"`
	DisallowLocalPart Bool       `json:"disallow_local_part_from_email,omitzero"`
	Available         Bool       `json:"is_available,omitzero"`
}
