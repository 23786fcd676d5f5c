// Code to paste into a program, with the right URL and key.

/** Text as a literal of JavaScript, Python and Go, whose escapes agree for what JSON produces. */
const literal = (text) => JSON.stringify(text);

/** Text as one word of a POSIX shell. */
const word = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`);

/** By language: what to install, and the code. */
export const SNIPPETS = {
  'JavaScript (browser)': (url, key) => `// npm install @rudderstack/analytics-js
import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';

const analytics = new RudderAnalytics();
analytics.load(${literal(key)}, ${literal(url)}, {
  configUrl: ${literal(url)},
});
analytics.identify('u1', { name: 'Zoë', plan: { tier: 'pro' } });`,

  'Node': (url, key) => `// npm install @rudderstack/rudder-sdk-node
import Analytics from '@rudderstack/rudder-sdk-node';

const analytics = new Analytics(${literal(key)}, {
  dataPlaneUrl: ${literal(url)},
  errorHandler: (error) => console.error('not accepted:', error.message),
});
analytics.identify({ userId: 'u1', traits: { name: 'Zoë', plan: { tier: 'pro' } } });
await analytics.flush();`,

  'Python': (url, key) => `# pip install rudder-sdk-python
import rudderstack.analytics as analytics

analytics.write_key = ${literal(key)}
analytics.dataPlaneUrl = ${literal(url)}
analytics.on_error = lambda error, events: print("not accepted:", error)

analytics.identify("u1", {"name": "Zoë", "plan": {"tier": "pro"}})
analytics.flush()`,

  'Go': (url, key) => `// go get github.com/rudderlabs/analytics-go/v4
package main

import (
	"log"

	analytics "github.com/rudderlabs/analytics-go/v4"
)

func main() {
	client := analytics.New(${literal(key)}, ${literal(url)})
	err := client.Enqueue(analytics.Identify{
		UserId: "u1",
		Traits: analytics.NewTraits().SetName("Zoë").Set("plan", map[string]string{"tier": "pro"}),
	})
	if err != nil {
		log.Println("not accepted:", err)
	}
	client.Close() // sends what is still queued
}`,

  'curl': (url, key) => `curl -u ${word(`${key}:`)} ${word(`${url}/v1/identify`)} \\
  -d '{"userId":"u1","traits":{"name":"Zoë","plan":{"tier":"pro"}}}'`,
};
