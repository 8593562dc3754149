package enrol

import "time"

// Hurry makes a desk wait next to nothing.
func (d *Desk) Hurry() *Desk {
	d.pace = pace{
		poll: []time.Duration{time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond}, watch: 10 * time.Millisecond,
		offline: []time.Duration{time.Millisecond}, farewell: 5 * time.Second,
	}
	return d
}

// BeforeDisk calls f before each change of the journal's disk, which an error keeps from happening.
func (j *Journal) BeforeDisk(f func() error) { j.testOnlyDisk = f }
