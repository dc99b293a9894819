package dkim

import "testing"

// A mended record has no fault that can be mended, and the key that was read before.
func FuzzMend(f *testing.F) {
	for _, seed := range []string{
		`v=DKIM1\; k=rsa\; p=`, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", "K=RSA; P=AAAA",
		`"v=dkim1 k=ed25519 p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="`, "v=DKIM1; g=; h=sha1; s=Email; p=", "h=SHA256:sha1;; p=; p=",
		"v=DKIM1;; p=MEgCQQCzP7H4mSYcTPz5S3Vtq7cmiWQg7dGhqUOkS8aqCqEw8OYQwm5fRMZ4U6uT5tZ7y8UZ2f0d3n4m5l6k7j8h9g0fAgMBAAE=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		text, ok := mend(readRecord(txt))
		if !ok {
			return
		}
		old, mended := readRecord(txt), readRecord(text)
		if len(mended.Faults) > 0 || mendable(mended) {
			t.Errorf("%q was mended to %q, which is not sound", txt, text)
		}
		if old.Key != nil && (mended.Key == nil || mended.fingerprint != old.fingerprint) {
			t.Errorf("%q was mended to %q, which has another key", txt, text)
		}
	})
}
