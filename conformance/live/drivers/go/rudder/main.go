// github.com/rudderlabs/analytics-go/v4, unmodified; harness/toolchains.py makes the driver of Segment's SDK from this.
package main

import (
	"time"

	"github.com/rudderlabs/analytics-go/v4"
	"kenwell.invalid/live/scenario"
)

type sdk struct{ client analytics.Client }

func (s sdk) Identify(userID, anonymousID string, traits, integrations scenario.Fields) error {
	return s.client.Enqueue(analytics.Identify{
		UserId: userID, AnonymousId: anonymousID, Traits: traits, Integrations: integrations,
	})
}

func (s sdk) Track(userID, event string, properties scenario.Fields) error {
	return s.client.Enqueue(analytics.Track{UserId: userID, Event: event, Properties: properties})
}

func (s sdk) Page(userID, name string) error {
	return s.client.Enqueue(analytics.Page{UserId: userID, Name: name})
}

func (s sdk) Screen(userID, name string) error {
	return s.client.Enqueue(analytics.Screen{UserId: userID, Name: name})
}

func (s sdk) Group(userID, groupID string, traits scenario.Fields) error {
	return s.client.Enqueue(analytics.Group{UserId: userID, GroupId: groupID, Traits: traits})
}

func (s sdk) Alias(userID, previousID string) error {
	return s.client.Enqueue(analytics.Alias{UserId: userID, PreviousId: previousID})
}

func (s sdk) Close() error { return s.client.Close() }

// callback hands on what the SDK tells about each message.
type callback struct{ answers *scenario.Answers }

func (c callback) Success(analytics.Message)            { c.answers.Delivered() }
func (c callback) Failure(_ analytics.Message, e error) { c.answers.Failed(e) }

func main() {
	answers := scenario.NewAnswers()
	client, err := analytics.NewWithConfig(scenario.WriteKey, analytics.Config{
		DataPlaneUrl: scenario.URL,
		DisableGzip:  !scenario.Gzip,
		Interval:     50 * time.Millisecond,
		Callback:     callback{answers},
	})
	if err != nil {
		panic(err)
	}
	scenario.Run(sdk{client}, answers)
}
