// Package scenario has what every Go driver needs: its orders, the calls to make, and one way to report back.
package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// The orders, from the environment: where to, with which key, as whom.
var (
	URL      = os.Getenv("KENWELL_URL")
	WriteKey = os.Getenv("KENWELL_WRITE_KEY")
	User     = os.Getenv("KENWELL_USER")
	Gzip     = os.Getenv("SDK_GZIP") != "0"
	Steps, _ = strconv.Atoi(os.Getenv("KENWELL_STEPS"))
)

// Fields are traits, properties or integrations.
type Fields = map[string]interface{}

// SDK is one SDK under test.
type SDK interface {
	Identify(userID, anonymousID string, traits, integrations Fields) error
	Track(userID, event string, properties Fields) error
	Page(userID, name string) error
	Screen(userID, name string) error
	Group(userID, groupID string, traits Fields) error
	Alias(userID, previousID string) error
	// Close sends what waits, and returns when the SDK has no more to do.
	Close() error
}

type failure struct {
	Status int    `json:"status"`
	Text   string `json:"text"`
}

// Answers collects what the SDK tells its user about each message. It is the callback of both SDKs.
type Answers struct {
	mutex     sync.Mutex
	delivered int
	changed   *sync.Cond
	failures  []failure
}

// NewAnswers returns an empty collection.
func NewAnswers() *Answers {
	answers := &Answers{failures: []failure{}}
	answers.changed = sync.NewCond(&answers.mutex)
	return answers
}

// Delivered counts a message that the gateway has accepted.
func (a *Answers) Delivered() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.delivered++
	a.changed.Broadcast()
}

// Failed notes a message that the SDK has given up. Its error begins with the status of the answer.
func (a *Answers) Failed(err error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	status := 0
	// An error that begins with no number is about the network.
	if _, none := fmt.Sscanf(err.Error(), "%d", &status); none != nil {
		status = 0
	}
	a.failures = append(a.failures, failure{status, err.Error()})
	a.changed.Broadcast()
}

// waitFor returns when that many messages have an answer.
func (a *Answers) waitFor(messages int) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for a.delivered+len(a.failures) < messages {
		a.changed.Wait()
	}
}

// Run makes the calls of the scenario that the command line names, and reports what became of them.
func Run(sdk SDK, answers *Answers) {
	check := func(err error) {
		if err != nil {
			answers.Failed(err)
		}
	}
	switch os.Args[1] {
	case "single":
		check(sdk.Identify(User, "", Fields{"sdk": os.Getenv("SDK_NAME"), "nested": Fields{"works": true}}, nil))
	case "everything":
		for _, err := range everything(sdk) {
			check(err)
		}
	case "ordered":
		// Batches travel at once, so a user's next update waits until the one before has arrived.
		for step := 1; step <= Steps; step++ {
			check(sdk.Identify(User, "", Fields{"step": step}, nil))
			answers.waitFor(step)
		}
	default:
		panic("no such scenario: " + os.Args[1])
	}
	check(sdk.Close())
	line, err := json.Marshal(Fields{"event": "done", "errors": answers.failures})
	if err != nil {
		panic(err)
	}
	fmt.Printf("@kenwell %s\n", line)
}

// everything makes every call there is. The traits take every path through the flattener, as a Go program would hold them.
func everything(sdk SDK) []error {
	const user = "zoe"
	return []error{
		sdk.Identify(user, "", Fields{
			"name":        "Zoë Ünïcode 日本語 🎉",
			"email":       "zoe@example.com",
			"age":         42,
			"score":       3.14159,
			"whole":       10.0,
			"largest":     uint64(18446744073709551615),
			"huge":        1e21,
			"tiny":        1e-7,
			"active":      true,
			"deleted":     false,
			"nothing":     nil,
			"empty":       "",
			"emptyObject": Fields{},
			"emptyList":   []string{},
			"noList":      []string(nil),
			"codes":       []interface{}{"a", "b", 3, nil, true},
			"tags":        []interface{}{"a", "b", 3},
			"orders":      []Fields{{"y": 1, "x": nil}},
			"address":     Fields{"city": "Pune", "geo": Fields{"lat": 18.52, "lng": 73.85}, "dotted.key": "v"},
			"when":        time.Date(2024, 1, 2, 3, 4, 5, 678_000_000, time.UTC),
			"bytes":       []byte("raw"),
			"markup":      "</b>&",
			"cutEmoji":    "🎉"[:2],
		}, nil),
		sdk.Identify(user, "", Fields{
			"plan": "pro", "age": 43, "email": nil, "address": Fields{"city": "London"}, "tags": []string{"z"},
		}, nil),
		sdk.Identify("opted-out", "", Fields{"a": 1}, Fields{"All": false}),
		sdk.Identify("opted-in", "", Fields{"a": 1}, Fields{"All": false, "Redis": true}),
		sdk.Identify("", "anon-1", Fields{"visits": 3}, nil),
		sdk.Identify("no-traits", "", nil, nil),
		sdk.Track(user, "Order Completed", Fields{"total": 9.99}),
		sdk.Page(user, "Home"),
		sdk.Screen(user, "Start"),
		sdk.Group(user, "acme", Fields{"employees": 7}),
		sdk.Alias(user+"-new", user),
	}
}
