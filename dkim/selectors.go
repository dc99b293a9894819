package dkim

// commonSelectors are asked for where no zone lists selectors. They are guesses:
// a name says nothing about who signs with it. Services whose SPF include or MX
// host shows that they are in use are the caller's to name; here stand those that
// show nowhere else, and the defaults of common software.
var commonSelectors = []string{
	// Defaults of software and control panels: opendkim-genkey, cPanel and Plesk
	// take "default"; "mail" and "dkim" are what most tutorials write.
	"default", "mail", "dkim", "email", "smtp", "mx", "s1024", "s2048",
	// Google Workspace; the dated ones are those of Google's own domains.
	"google", "20161025", "20230601",
	// Microsoft 365, and Azure Communication Services.
	"selector1", "selector2", "selector1-azurecomm-prod-net", "selector2-azurecomm-prod-net",
	// Twilio SendGrid: s1 and s2 as CNAME; smtpapi is the older TXT record.
	"s1", "s2", "smtpapi",
	// Mailchimp (k1 is Mailgun's too), and Mailchimp Transactional, once Mandrill.
	"k1", "k2", "k3", "mandrill", "mte1", "mte2",
	// Zendesk.
	"zendesk1", "zendesk2",
	// Mailbox hosts: Fastmail, Proton, iCloud custom domains, Zoho, Migadu, mailbox.org.
	"fm1", "fm2", "fm3", "protonmail", "protonmail2", "protonmail3", "sig1", "zoho", "zmail", "key1", "mbo0001",
	// Other senders: Postmark, Campaign Monitor, Mailgun, Brevo, Mailjet, MailerLite, Resend, HubSpot.
	"pm", "cm", "krs", "brevo1", "brevo2", "mailjet", "litesrv", "resend", "hs1", "hs2",
	// Everlytic, and Global Micro.
	"everlytickey1", "everlytickey2", "mxvault",
}
