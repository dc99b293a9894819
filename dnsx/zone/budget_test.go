package zone

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The limits that files of a sensible size do not reach.
func TestBudget(t *testing.T) {
	b := budget{files: maxFiles - 1, octets: maxOctets - 10, records: maxRecords - 1, data: maxData - 10}
	assert.NoError(t, b.file(make([]byte, 10)))
	assert.NoError(t, b.record(10))

	assert.EqualError(t, b.file(nil), "over 10000 files")
	assert.EqualError(t, b.record(0), "over 2000000 records in all files")
	b.files, b.records = 0, 0
	assert.EqualError(t, b.file(make([]byte, 1)), "over 256 MiB in all files")
	assert.EqualError(t, b.record(1), "over 256 MiB of data in all records")
	assert.EqualError(t, b.file(make([]byte, maxMaster+1)), "over 64 MiB")
}
