// com.segment.analytics.kotlin:core, unmodified. It knows https:// addresses only, and is told host and path.

import com.segment.analytics.kotlin.core.Analytics;
import com.segment.analytics.kotlin.core.BaseEvent;
import com.segment.analytics.kotlin.core.Configuration;
import com.segment.analytics.kotlin.core.Settings;
import com.segment.analytics.kotlin.core.Telemetry;
import com.segment.analytics.kotlin.core.compat.ConfigurationBuilder;
import com.segment.analytics.kotlin.core.compat.JavaAnalytics;
import com.segment.analytics.kotlin.core.platform.Plugin;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import kotlin.Unit;
import kotlinx.serialization.json.JsonArray;
import kotlinx.serialization.json.JsonElement;
import kotlinx.serialization.json.JsonElementKt;
import kotlinx.serialization.json.JsonNull;
import kotlinx.serialization.json.JsonObject;

final class SegmentKotlin implements Scenario.Sdk {
  // Where the SDK keeps what it has not sent yet.
  private static final Path KEPT = Path.of("/tmp/analytics-kotlin", Scenario.WRITE_KEY);
  private static final Path EVENTS = KEPT.resolve("events");

  // After so long a call is held back, not slow.
  private static final long CALL_MILLIS = 5_000;

  private final Scenario scenario;
  private final JavaAnalytics analytics;
  private int sent;

  private SegmentKotlin(Scenario scenario) throws InterruptedException {
    this.scenario = scenario;
    String host = Scenario.URL.replaceFirst("https://", "") + "/v1";
    // An upload is asked for when everything is on disk, so that a file that is gone has been accepted.
    Configuration configuration = new ConfigurationBuilder(Scenario.WRITE_KEY)
        .setApplication("live")
        .setCdnHost(host)
        .setApiHost(host)
        .setFlushAt(Integer.MAX_VALUE)
        .setFlushInterval(0)
        .build();
    // Without these the SDK sends the users' events to Segment's own host when it cannot load its settings.
    configuration.setDefaultSettings(leadingTo(host));
    // Otherwise it reports to Segment what goes wrong.
    Telemetry.INSTANCE.setEnable(false);
    // What never reached the gateway stays on disk and is sent again: only the gateway's answers are worth a report.
    configuration.setErrorHandler(error -> {
      if (String.valueOf(error).contains("HTTP ")) {
        scenario.complain(error);
      } else {
        Scenario.report("refused", "");
      }
      return Unit.INSTANCE;
    });
    analytics = new JavaAnalytics(configuration);
    Counter counter = new Counter(scenario);
    analytics.add(counter);
    // The SDK sets itself up on threads of its own, and a call that overtakes them is lost with a line in its log.
    counter.started.await();
  }

  public static void main(String[] arguments) throws Exception {
    System.setProperty("javax.net.ssl.trustStore", System.getenv("KENWELL_TRUST_STORE"));
    System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    Scenario scenario = new Scenario();
    scenario.run(arguments[0], new SegmentKotlin(scenario));
  }

  private static Settings leadingTo(String host) {
    Map<String, Object> segment = new LinkedHashMap<>();
    segment.put("apiKey", Scenario.WRITE_KEY);
    segment.put("apiHost", host);
    JsonObject none = new JsonObject(Map.of());
    return new Settings(json(Map.of("Segment.io", segment)), none, none, none, none, none, none);
  }

  /** Tells the scenario of each event that has gone through the SDK to its disk. */
  private static final class Counter implements Plugin {
    private final Scenario scenario;
    // Open when the SDK has its settings, from here or the defaults: the last step of setting up.
    private final CountDownLatch started = new CountDownLatch(1);
    private Analytics analytics;

    private Counter(Scenario scenario) {
      this.scenario = scenario;
    }

    @Override
    public Type getType() {
      return Type.After;
    }

    @Override
    public Analytics getAnalytics() {
      return analytics;
    }

    @Override
    public void setAnalytics(Analytics analytics) {
      this.analytics = analytics;
    }

    @Override
    public void setup(Analytics analytics) {
      this.analytics = analytics;
    }

    @Override
    public BaseEvent execute(BaseEvent event) {
      scenario.delivered();
      return event;
    }

    @Override
    public void update(Settings settings, UpdateType type) {
      started.countDown();
    }

    @Override
    public void shutdown() {}
  }

  @Override
  public void identify(
      String userId, String anonymousId, Map<String, Object> traits, Map<String, Boolean> integrations) {
    if (integrations != null) {
      return; // this SDK's identify takes none
    }
    if (userId == null) {
      analytics.identify(json(traits));
    } else {
      analytics.identify(userId, json(traits));
    }
    called();
  }

  @Override
  public void track(String userId, String event, Map<String, Object> properties) {
    analytics.track(event, json(properties));
    called();
  }

  @Override
  public void page(String userId, String name) {
    // This SDK has no pages.
  }

  @Override
  public void screen(String userId, String name) {
    analytics.screen(name);
    called();
  }

  @Override
  public void group(String userId, String groupId, Map<String, Object> traits) {
    analytics.group(groupId, json(traits));
    called();
  }

  @Override
  public void alias(String userId, String previousId) {
    analytics.alias(userId);
    called();
  }

  /** What Kotlin's JSON builders make of the same values. The SDK takes maps, too, but none with a null. */
  private static JsonObject json(Map<String, Object> fields) {
    Map<String, JsonElement> made = new LinkedHashMap<>();
    fields.forEach((name, value) -> made.put(name, element(value)));
    return new JsonObject(made);
  }

  @SuppressWarnings("unchecked")
  private static JsonElement element(Object value) {
    if (value == null) {
      return JsonNull.INSTANCE;
    } else if (value instanceof Map) {
      return json((Map<String, Object>) value);
    } else if (value instanceof List) {
      return new JsonArray(((List<Object>) value).stream().map(SegmentKotlin::element).collect(Collectors.toList()));
    } else if (value instanceof Number) {
      return JsonElementKt.JsonPrimitive((Number) value);
    } else if (value instanceof Boolean) {
      return JsonElementKt.JsonPrimitive((Boolean) value);
    } else if (value instanceof Date) {
      return JsonElementKt.JsonPrimitive(((Date) value).toInstant().toString());
    }
    return JsonElementKt.JsonPrimitive((String) value);
  }

  /** Calls run side by side in this SDK: the next one waits, so that the order is that of the calls. */
  private void called() {
    sent++;
    try {
      while (!scenario.waitForAnswers(sent, CALL_MILLIS)) {
        // Of two states that follow each other closely, the part that holds calls back until the SDK has begun may
        // hear of the older one last, and holds them for ever. Any change of state tells it again.
        analytics.setEnabled(true);
      }
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  @Override
  public void finish() throws IOException, InterruptedException {
    while (events().mapToInt(text -> text.split("\"messageId\"").length - 1).sum() < sent) {
      Thread.sleep(20);
    }
    for (long round = 0; round == 0 || events().findAny().isPresent(); round++) {
      if (round % 50 == 0) {
        analytics.flush(); // an app does it every half minute
      }
      Thread.sleep(20);
    }
    remove(EVENTS);
    remove(KEPT);
  }

  /** The contents of the files of events. */
  private static Stream<String> events() throws IOException {
    List<String> texts = new ArrayList<>();
    for (Path file : list(EVENTS)) {
      try {
        texts.add(Files.readString(file));
      } catch (NoSuchFileException sentMeanwhile) {
        continue;
      }
    }
    return texts.stream();
  }

  private static void remove(Path directory) throws IOException {
    for (boolean removed = false; !removed; ) {
      for (Path file : list(directory)) {
        Files.deleteIfExists(file);
      }
      try {
        Files.deleteIfExists(directory);
        removed = true;
      } catch (DirectoryNotEmptyException filledMeanwhile) {
        continue; // the SDK keeps a note of its last upload in it
      }
    }
  }

  private static List<Path> list(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.collect(Collectors.toList());
    }
  }
}
