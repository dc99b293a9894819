package zendesk

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Bool is a setting as it was shown: absent and null are Unknown, and never No.
type Bool uint8

// Unknown is the zero value.
const (
	Unknown Bool = iota
	No
	Yes
)

// UnmarshalJSON reads true, "true", "1" and 1 as Yes, their opposites as No, and
// all else as Unknown: the API writes some booleans as strings.
func (b *Bool) UnmarshalJSON(data []byte) error {
	switch strings.ToLower(strings.Trim(string(data), `"`)) {
	case "true", "1":
		*b = Yes
	case "false", "0":
		*b = No
	default:
		*b = Unknown
	}
	return nil
}

// MarshalJSON writes true, false or null.
func (b Bool) MarshalJSON() ([]byte, error) {
	switch b {
	case Yes:
		return []byte("true"), nil
	case No:
		return []byte("false"), nil
	}
	return []byte("null"), nil
}

// String is "yes", "no" or "unknown".
func (b Bool) String() string {
	switch b {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

func boolOf(b bool) Bool {
	if b {
		return Yes
	}
	return No
}

// Opt is a value that the API may leave out, or give as null, which is another
// thing: a last sign-in of null means that there was none, an absent one that it
// was not shown. A value of a wrong type counts as absent. In JSON an Opt is the
// value, null, or nothing.
type Opt[T int64 | string | time.Time] struct {
	Value T
	Is    Presence
}

// Presence says whether an Opt has a value.
type Presence uint8

// Absent is the zero value.
const (
	Absent Presence = iota
	Null
	Present
)

// Some is an Opt with a value.
func Some[T int64 | string | time.Time](v T) Opt[T] { return Opt[T]{v, Present} }

// Get returns the value, and whether there is one.
func (o Opt[T]) Get() (T, bool) { return o.Value, o.Is == Present }

// IsZero reports whether the value is absent, for omitzero.
func (o Opt[T]) IsZero() bool { return o.Is == Absent }

// MarshalJSON writes the value or null.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if o.Is != Present {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON reads a value, also a number that is written as a string.
func (o *Opt[T]) UnmarshalJSON(data []byte) error {
	*o = Opt[T]{}
	if string(data) == "null" {
		o.Is = Null
		return nil
	}
	var err error
	switch v := any(&o.Value).(type) {
	case *int64:
		*v, err = integer(data)
	case *string:
		if err = json.Unmarshal(data, v); err == nil {
			*v = clip(*v)
		}
	case *time.Time:
		err = json.Unmarshal(data, v)
		*v = v.UTC()
	}
	if err != nil {
		*o = Opt[T]{}
		return nil
	}
	o.Is = Present
	return nil
}

// ID is the number of an object, 0 where it has none.
type ID int64

// UnmarshalJSON reads a number, also one that is written as a string.
func (id *ID) UnmarshalJSON(data []byte) error {
	n, _ := integer(data)
	*id = ID(n)
	return nil
}

func integer(data []byte) (int64, error) {
	s := strings.Trim(string(data), `"`)
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64) // 42.0
	if err != nil || f != float64(int64(f)) {
		return 0, strconv.ErrSyntax
	}
	return int64(f), nil
}

// textMax is how many octets of a text are kept.
const textMax = 16 << 10

func clip(s string) string {
	if len(s) > textMax {
		s = s[:textMax] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
