package disk

import "github.com/moby/locker"

// locks let one at a time do something to a volume, and different ones go side by side. The zero value is ready.
type locks struct{ locker.Locker }

// take waits for the named lock and returns what gives it back.
func (l *locks) take(name string) (release func()) {
	l.Lock(name)
	return func() { _ = l.Unlock(name) } // its only error is that nobody has it
}
