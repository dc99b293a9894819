package dnsx

import (
	"container/list"
	"context"
	"sync"
)

// Limit lets at most Max questions at a time through to Next. The others wait
// in the order in which they came.
type Limit struct {
	Next Resolver
	Max  int // questions in flight; 0 means 256

	mu     sync.Mutex
	flying int
	queue  list.List // of *turn
}

// turn is a caller in the queue.
type turn struct {
	want  int      // questions
	ready chan int // gets the number that may go, once
}

// Resolve asks Next when it is the question's turn.
func (l *Limit) Resolve(ctx context.Context, q Question) (*Answer, error) {
	if _, err := l.acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer l.release()
	return l.Next.Resolve(ctx, q)
}

// ResolveAll asks Next side by side, as many at a time as may be in flight.
func (l *Limit) ResolveAll(ctx context.Context, qs []Question) []Reply { return askAll(ctx, l, qs) }

// ResolveEach is ResolveAll that hands over each reply when it comes in.
func (l *Limit) ResolveEach(ctx context.Context, qs []Question, each func(i int, r Reply)) {
	var wg sync.WaitGroup
	for first := 0; first < len(qs); {
		n, err := l.acquire(ctx, len(qs)-first)
		if err != nil {
			for i, q := range qs[first:] {
				each(first+i, ReplyOf(q)(nil, err))
			}
			break
		}
		from := first
		wg.Go(func() {
			AskEach(ctx, l.Next, qs[from:from+n], func(i int, r Reply) {
				l.release()
				each(from+i, r)
			})
		})
		first += n
	}
	wg.Wait()
}

// acquire waits for the caller's turn and takes as many places as are free then,
// at least one and at most want.
func (l *Limit) acquire(ctx context.Context, want int) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	if free := l.most() - l.flying; free > 0 { // then nobody is in the queue
		n = min(free, want)
		l.flying += n
		l.mu.Unlock()
		return n, nil
	}
	t := &turn{want: want, ready: make(chan int, 1)}
	place := l.queue.PushBack(t)
	l.mu.Unlock()
	select {
	case n := <-t.ready:
		return n, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case n := <-t.ready: // its turn came in the same moment: the places go to the next
		l.flying -= n
		l.admit()
	default:
		l.queue.Remove(place)
	}
	return 0, ctx.Err()
}

func (l *Limit) release() {
	l.mu.Lock()
	l.flying--
	l.admit()
	l.mu.Unlock()
}

// admit gives free places to the front of the queue.
func (l *Limit) admit() {
	for l.queue.Len() > 0 {
		free := l.most() - l.flying
		if free <= 0 {
			return
		}
		t := l.queue.Remove(l.queue.Front()).(*turn)
		n := min(free, t.want)
		l.flying += n
		t.ready <- n
	}
}

func (l *Limit) most() int {
	if l.Max > 0 {
		return l.Max
	}
	return 256
}

// Names lists what Next lists; where Next is no Lister the error wraps ErrNoList.
func (l *Limit) Names(below string) ([]string, error) { return namesOf(l.Next, below) }
