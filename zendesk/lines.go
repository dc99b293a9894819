package zendesk

import "slices"

// Line is a line of Zendesk's list that asks for something, with one of the rules
// that judge it. docs/zendesk.md is the same as a table.
type Line struct {
	Number  int // in the list's Japanese edition; 0: the rule is not on the list
	Section Section
	Title   string // what is asked for
	TitleJA string
	Rule    string // its id; some rules stand in two lines, and some lines have two
	How     How
}

// Section is a part of the list.
type Section struct{ Title, TitleJA string }

// Lines are all lines of the list, and after them the rules that are not on it.
func Lines() []Line { return slices.Clone(lines) }

// Sections are those of Lines, in their order.
func Sections() []Section { return slices.Clone(sections) }

var sections = []Section{
	{"General", "全般"},
	{"Access control", "アクセス制御"},
	{"Users", "ユーザー"},
	{"Passwords", "パスワード"},
	{"System, network access and domains", "システム、ネットワークアクセス、ドメイン"},
	{"Data management", "データ管理"},
	{"Compliance", "コンプライアンス"},
	{"Email", "メールアドレス"},
	{"API", "API"},
	{"Monitoring", "監視"},
	{"Disaster recovery", "ディザスタリカバリ"},
	{"Beyond the list", "一覧にない項目"},
}

var lines = []Line{
	{7, sections[0], "Use a sandbox for test and development", "テスト・開発用サンドボックスの利用", "zendesk.sandbox", Partial},
	{8, sections[0], "Restrict Zendesk Support mobile app access", "モバイルアプリ利用の制限", "zendesk.mobile-access", Automatic},
	{9, sections[0], "Help center / community content moderation enabled", "ヘルプセンター・コミュニティのコンテンツモデレーション", "zendesk.content-moderation", Attested},
	{10, sections[0], "Review automated notifications for correct recipients", "通知自動化の宛先確認", "zendesk.notifications-reviewed", Partial},
	{15, sections[1], "Team-member password level matches policy", "チームメンバーのパスワードレベル", "zendesk.password-level", Automatic},
	{16, sections[1], "Shortest workable session expiry for agents and admins", "エージェント/管理者セッション有効期限", "zendesk.session-expiry", Automatic},
	{17, sections[1], "Disable unneeded end-user social logins", "エンドユーザーの不要なソーシャルログイン無効化", "zendesk.social-login", Automatic},
	{20, sections[1], "Team members use native or enterprise SSO", "SSO の利用", "zendesk.sso", Automatic},
	{21, sections[1], "Combine organisational MFA with SSO", "SSO と MFA の組み合わせ", "zendesk.sso-mfa", Partial},
	{22, sections[1], "Password sign-in under SSO is a deliberate choice", "SSO 設定後のパスワード認証の可否", "zendesk.sso-password", Automatic},
	{23, sections[1], "Zendesk-staff account assumption disabled unless needed", "代理ログイン（アカウント引き受け）の無効化", "zendesk.account-assumption", Automatic},
	{25, sections[2], "Review and remove unknown devices on agent profiles", "接続デバイスの確認・削除", "zendesk.devices-reviewed", Partial},
	{26, sections[2], "End users must register and verify email before submitting", "エンドユーザーの登録・メール確認の必須化", "zendesk.end-user-registration", Attested},
	{27, sections[2], "Least-privilege custom roles for agents", "カスタムロールによる最小権限", "zendesk.custom-roles", Automatic},
	{28, sections[2], "Guide access by user segment and brand", "ユーザーセグメント/ブランドによる Guide 権限", "zendesk.guide-access", Partial},
	{29, sections[2], "Allowlist of users permitted to sign in / submit", "許可リストの活用", "zendesk.allowlist", Attested},
	{30, sections[2], "Blocklist / suspend abusive users", "ブロックリストによる停止・拒否", "zendesk.blocklist", Attested},
	{31, sections[2], "Suspend or remove users who no longer need access", "不要ユーザーの一時停止・削除", "zendesk.stale-users", Automatic},
	{33, sections[3], "Two-factor authentication required for team members", "2要素認証の必須化", "zendesk.two-factor-enforced", Automatic},
	{33, sections[3], "Every active agent and admin has enrolled 2FA", "全エージェント/管理者の 2FA 登録", "zendesk.two-factor-enrolled", Automatic},
	{34, sections[3], "Separate password levels for end users and team members", "エンドユーザーとチームで別のパスワードレベル", "zendesk.password-level-split", Automatic},
	{35, sections[3], "Zendesk passwords are unique to Zendesk", "固有パスワードの使用", "zendesk.password-unique", Attested},
	{36, sections[3], "Email alerts for sign-in from a new device", "新デバイスのログイン通知", "zendesk.new-device-alert", Attested},
	{38, sections[4], "Contextual workspaces limit tools to the task", "コンテキストワークスペース", "zendesk.contextual-workspaces", Automatic},
	{39, sections[4], "IP restrictions for agents and end users", "IP アドレス制限", "zendesk.ip-restrictions", Automatic},
	{40, sections[4], "Blocklist (repeats line 30)", "ブロックリスト", "zendesk.blocklist", Attested},
	{41, sections[4], "Host-mapped help center CNAME is valid", "ホストマッピングの CNAME", "zendesk.host-mapping", Automatic},
	{41, sections[4], "Host-mapped SSL certificate is not near expiry", "ホストマッピング SSL 証明書の期限", "zendesk.host-certificate", Automatic},
	{41, sections[4], "CAA permits the CA that issues the host-mapped certificate", "CAA レコード", "zendesk.host-caa", Automatic},
	{45, sections[5], "Collect only the data needed", "必要最小限のデータ取得", "zendesk.data-minimised", Attested},
	{48, sections[5], "Deletion schedules / retention configured", "削除スケジュール（データ保持）", "zendesk.deletion-schedules", Automatic},
	{49, sections[5], "Call recording off, consented or auto-deleted", "通話録音の無効化/同意/自動削除", "zendesk.call-recording", Partial},
	{50, sections[5], "Automatic credit-card redaction enabled", "クレジットカード自動墨消し", "zendesk.automatic-redaction", Attested},
	{51, sections[5], "Manual redaction available to the right roles", "手動墨消しの権限", "zendesk.manual-redaction", Attested},
	{54, sections[6], "BAA signed and HIPAA security configuration applied", "BAA/HIPAA 設定", "zendesk.hipaa", Attested},
	{55, sections[6], "PCI credit-card field used when card data is needed", "PCI クレジットカードフィールド", "zendesk.credit-card-field", Automatic},
	{56, sections[6], "Extra controls when PHI/ePHI/HIPAA/PCI apply", "PHI/ePHI/HIPAA/PCI DSS 追加要件", "zendesk.regulated-data", Attested},
	{59, sections[6], "Privacy considerations per product reviewed", "プライバシー考慮事項の確認", "zendesk.privacy-reviewed", Attested},
	{60, sections[6], "Trust center reviewed", "トラストセンターの確認", "zendesk.trust-center-reviewed", Attested},
	{62, sections[7], "Email archiving (BCC) configured when required", "メールアーカイブ", "zendesk.mail-archive", Automatic},
	{63, sections[7], "Chat email piping disabled unless needed", "チャットメールのパイピング無効化", "zendesk.chat-mail", Partial},
	{64, sections[7], "Rich content in incoming email only when needed", "受信メールのリッチコンテンツ", "zendesk.rich-content", Automatic},
	{65, sections[7], "Inbound SPF/DKIM/DMARC sender authentication enabled", "受信メールの送信者認証（SPF/DKIM/DMARC）", "zendesk.inbound-authentication", Automatic},
	{65, sections[7], "Support-address domain SPF authorises Zendesk", "サポートアドレスのドメインの SPF", "zendesk.support-spf", Automatic},
	{65, sections[7], "Support-address domain publishes an enforcing DMARC policy", "DMARC ポリシー", "zendesk.support-dmarc", Automatic},
	{66, sections[7], "Outgoing Zendesk mail is DKIM-signed by your domain", "送信メールの DKIM 署名", "zendesk.support-dkim", Automatic},
	{66, sections[7], "Domain verification TXT present", "ドメイン確認 TXT", "zendesk.domain-verified", Automatic},
	{67, sections[7], "Personalised replies and agent aliases", "名前入り返信とエイリアス", "zendesk.personalised-replies", Automatic},
	{68, sections[7], "Unused support addresses removed", "未使用サポートアドレスの破棄", "zendesk.unused-addresses", Partial},
	{68, sections[7], "Wildcard addresses off unless needed", "ワイルドカードメールの無効化", "zendesk.wildcard-addresses", Automatic},
	{70, sections[8], "API password access disabled", "API パスワードアクセスの無効化", "zendesk.api-password", Automatic},
	{71, sections[8], "API-token access limited / disabled in favour of OAuth", "API トークンアクセスの制限", "zendesk.api-token", Automatic},
	{71, sections[8], "OAuth clients and tokens follow least privilege", "OAuth クライアント/トークンの最小権限", "zendesk.oauth-clients", Automatic},
	{72, sections[8], "API tokens stored outside applications; prefer OAuth", "API トークンの安全な保管", "zendesk.api-token-storage", Attested},
	{73, sections[9], "Audit log available and reviewed", "監査ログの確認", "zendesk.audit-log", Partial},
	{73, sections[9], "Access log (ADPP) available", "アクセスログ", "zendesk.access-log", Partial},
	{73, sections[9], "Suspended-ticket queue is watched", "一時停止中のチケットの監視", "zendesk.suspended-tickets", Automatic},
	{76, sections[10], "Enhanced Disaster Recovery subscribed", "ディザスタリカバリの拡張", "zendesk.disaster-recovery", Attested},
	{77, sections[10], "Talk failover number set on every voice line", "Talk フェイルオーバー番号", "zendesk.talk-failover", Automatic},
	{78, sections[10], "Fallback sign-in exists if the SSO system is down", "SSO 停止時の代替ログイン", "zendesk.sso-fallback", Automatic},
	{79, sections[10], "Immutable copy via incremental export / bulk download", "インクリメンタルエクスポートによる保全", "zendesk.export-copy", Attested},
	{80, sections[10], "External mailbox forwards to Zendesk (copy kept outside)", "外部メールボックスからの転送", "zendesk.external-forwarding", Automatic},
	{81, sections[10], "Enhanced Disaster Recovery subscribed (repeats line 76)", "ディザスタリカバリの拡張", "zendesk.disaster-recovery", Attested},
	{82, sections[10], "Delta export since the last call", "差分エクスポート", "zendesk.export-delta", Attested},
	{0, sections[11], "Attachments require sign-in", "添付ファイルの認証必須", "zendesk.private-attachments", Automatic},
	{0, sections[11], "Webhooks and targets use HTTPS and authentication", "Webhook/ターゲットの HTTPS と認証", "zendesk.webhook-endpoints", Automatic},
	{0, sections[11], "Installed apps reviewed", "インストール済みアプリの確認", "zendesk.apps-reviewed", Partial},
	{0, sections[11], "Ticket sharing agreements reviewed", "チケット共有契約", "zendesk.ticket-sharing", Automatic},
	{0, sections[11], "Content Security Policy blocking on", "CSP ブロック", "zendesk.content-security-policy", Automatic},
}
