// What every Java driver needs: its orders from the environment, the calls to make, and one way to report back.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The scenarios, and what the SDK said about each message. */
final class Scenario {
  static final String URL = System.getenv("KENWELL_URL");
  static final String WRITE_KEY = System.getenv("KENWELL_WRITE_KEY");
  static final String USER = System.getenv("KENWELL_USER");
  static final boolean GZIP = !"0".equals(System.getenv("SDK_GZIP"));

  static final int STEPS = Integer.parseInt(System.getenv("KENWELL_STEPS"));

  /** One SDK under test. */
  interface Sdk {
    void identify(String userId, String anonymousId, Map<String, Object> traits, Map<String, Boolean> integrations);

    void track(String userId, String event, Map<String, Object> properties);

    void page(String userId, String name);

    void screen(String userId, String name);

    void group(String userId, String groupId, Map<String, Object> traits);

    void alias(String userId, String previousId);

    /** Sends what waits, and returns when every message has an answer. */
    void finish() throws Exception;
  }

  private final List<String> failures = new ArrayList<>();
  private int answers;

  Scenario() {
    // SDKs have threads that would keep a program alive whose calls have failed.
    Thread.setDefaultUncaughtExceptionHandler((thread, problem) -> {
      problem.printStackTrace();
      System.exit(1);
    });
  }

  /** The SDK says that the gateway has accepted a message. */
  synchronized void delivered() {
    answers++;
    notifyAll();
  }

  /** The SDK says that it has given up a message. */
  synchronized void failed(Object reason) {
    complain(reason);
    answers++;
    notifyAll();
  }

  /** The SDK says that something went wrong. No SDK here shows the status of an answer. */
  synchronized void complain(Object reason) {
    failures.add("{\"status\":0,\"text\":" + quoted(String.valueOf(reason)) + "}");
  }

  /** Returns when that many messages have an answer. */
  synchronized void waitForAnswers(int messages) throws InterruptedException {
    while (answers < messages) {
      wait();
    }
  }

  /** The same, but for so long at most; false when they have none by then. */
  synchronized boolean waitForAnswers(int messages, long millis) throws InterruptedException {
    long deadline = System.nanoTime() + millis * 1_000_000;
    while (answers < messages) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  /** Makes the calls of the scenario that the command line names, and reports what became of them. */
  void run(String scenario, Sdk sdk) throws Exception {
    switch (scenario) {
      case "single":
        sdk.identify(USER, null, map("sdk", System.getenv("SDK_NAME"), "nested", map("works", true)), null);
        break;
      case "everything":
        everything(sdk);
        break;
      case "ordered":
        // More than one batch: the last call must win.
        for (int step = 1; step <= STEPS; step++) {
          sdk.identify(USER, null, map("step", step), null);
        }
        break;
      default:
        throw new IllegalArgumentException("no such scenario: " + scenario);
    }
    sdk.finish();
    report("done", ",\"errors\":[" + String.join(",", failures) + "]");
    // SDKs leave threads behind that would keep this program alive for a minute.
    System.exit(0);
  }

  /** Tells the harness that something happened, with further fields of JSON. */
  static void report(String event, String fields) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    out.println("@kenwell {\"event\":\"" + event + "\"" + fields + "}");
  }

  /** Every call there is; the traits take every path through the flattener, as a Java program would hold them. */
  private static void everything(Sdk sdk) {
    String user = "zoe";
    sdk.identify(null, "anon-1", map("visits", 3), null);
    sdk.identify(user, null, map(
        "name", "Zoë Ünïcode 日本語 🎉",
        "email", "zoe@example.com",
        "age", 42,
        "score", 3.14159,
        "whole", 10.0,
        "largest", Long.MAX_VALUE,
        "huge", 1e21,
        "tiny", 1e-7,
        "active", true,
        "deleted", false,
        "nothing", null,
        "empty", "",
        "emptyObject", map(),
        "emptyList", List.of(),
        "codes", Arrays.asList("a", "b", 3, null, true),
        "tags", List.of("a", "b", 3),
        "orders", List.of(map("y", 1, "x", null)),
        "address", map("city", "Pune", "geo", map("lat", 18.52, "lng", 73.85), "dotted.key", "v"),
        "when", new Date(1_704_164_645_678L),
        "markup", "</b>&",
        "cutEmoji", "🎉".substring(0, 1)), null);
    sdk.identify(user, null, map(
        "plan", "pro", "age", 43, "email", null, "address", map("city", "London"), "tags", List.of("z")), null);
    sdk.identify("opted-out", null, map("a", 1), Map.of("All", false));
    sdk.identify("opted-in", null, map("a", 1), Map.of("All", false, "Redis", true));
    sdk.identify("no-traits", null, map(), null);
    sdk.track(user, "Order Completed", map("total", 9.99));
    sdk.page(user, "Home");
    sdk.screen(user, "Start");
    sdk.group(user, "acme", map("employees", 7));
    sdk.alias(user + "-new", user);
  }

  private static Map<String, Object> map(Object... namesAndValues) {
    Map<String, Object> made = new LinkedHashMap<>();
    for (int at = 0; at < namesAndValues.length; at += 2) {
      made.put((String) namesAndValues[at], namesAndValues[at + 1]);
    }
    return made;
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char letter : text.toCharArray()) {
      if (letter < ' ' || letter == '"' || letter == '\\') {
        json.append(String.format("\\u%04x", (int) letter));
      } else {
        json.append(letter);
      }
    }
    return json.append('"').toString();
  }
}
