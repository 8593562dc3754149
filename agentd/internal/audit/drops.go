package audit

import (
	"strconv"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// maxKinds bounds the kinds of refusals that are counted one by one.
const maxKinds = 32

// drops counts the records for which there was no room.
type drops struct {
	since            time.Time
	records, refused uint64
	kinds            []refusals
}

// refusals counts those of one uid with one status.
type refusals struct {
	uid    uint32
	status wire.Status
	count  uint64
}

func (d *drops) add(r *Record) {
	if d.records == 0 {
		d.since = r.Time
	}
	d.records++
	if !r.refused() {
		return
	}
	d.refused++
	for i := range d.kinds {
		if k := &d.kinds[i]; k.uid == r.UID && k.status == r.Result {
			k.count++
			return
		}
	}
	if len(d.kinds) < maxKinds {
		d.kinds = append(d.kinds, refusals{r.UID, r.Result, 1})
	}
}

// appendTo appends the counts as one line of JSON.
func (d *drops) appendTo(b []byte, now time.Time) []byte {
	b = append(b, `{"time":"`...)
	b = appendTime(b, now)
	b = append(b, `","event":"dropped","since":"`...)
	b = appendTime(b, d.since)
	b = append(b, `","records":`...)
	b = strconv.AppendUint(b, d.records, 10)
	b = append(b, `,"refused":`...)
	b = strconv.AppendUint(b, d.refused, 10)
	b = append(b, `,"refusals":[`...)
	for i, k := range d.kinds {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"uid":`...)
		b = strconv.AppendUint(b, uint64(k.uid), 10)
		b = appendText(b, `,"result":`, k.status.String())
		b = append(b, `,"count":`...)
		b = strconv.AppendUint(b, k.count, 10)
		b = append(b, '}')
	}
	return append(b, "]}\n"...)
}
