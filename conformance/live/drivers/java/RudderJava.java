// com.rudderstack.sdk.java.analytics:analytics, unmodified; harness/toolchains.py makes the driver of Segment's SDK from this.

import com.rudderstack.sdk.java.analytics.Callback;
import com.rudderstack.sdk.java.analytics.RudderAnalytics;
import com.rudderstack.sdk.java.analytics.messages.AliasMessage;
import com.rudderstack.sdk.java.analytics.messages.GroupMessage;
import com.rudderstack.sdk.java.analytics.messages.IdentifyMessage;
import com.rudderstack.sdk.java.analytics.messages.Message;
import com.rudderstack.sdk.java.analytics.messages.MessageBuilder;
import com.rudderstack.sdk.java.analytics.messages.PageMessage;
import com.rudderstack.sdk.java.analytics.messages.ScreenMessage;
import com.rudderstack.sdk.java.analytics.messages.TrackMessage;
import java.util.Map;

final class RudderJava implements Scenario.Sdk {
  private final Scenario scenario;
  private final RudderAnalytics analytics;
  private int sent;

  private RudderJava(Scenario scenario) {
    this.scenario = scenario;
    analytics = RudderAnalytics.builder(Scenario.WRITE_KEY)
        .setDataPlaneUrl(Scenario.URL)
        .setGZIP(Scenario.GZIP)
        .callback(new Callback() {
          @Override
          public void success(Message message) {
            scenario.delivered();
          }

          @Override
          public void failure(Message message, Throwable reason) {
            scenario.failed(reason);
          }
        })
        .build();
  }

  public static void main(String[] arguments) throws Exception {
    Scenario scenario = new Scenario();
    scenario.run(arguments[0], new RudderJava(scenario));
  }

  @Override
  public void identify(
      String userId, String anonymousId, Map<String, Object> traits, Map<String, Boolean> integrations) {
    IdentifyMessage.Builder message = IdentifyMessage.builder().traits(traits);
    if (anonymousId != null) {
      message.anonymousId(anonymousId);
    }
    if (integrations != null) {
      integrations.forEach(message::enableIntegration);
    }
    send(message, userId);
  }

  @Override
  public void track(String userId, String event, Map<String, Object> properties) {
    send(TrackMessage.builder(event).properties(properties), userId);
  }

  @Override
  public void page(String userId, String name) {
    send(PageMessage.builder(name), userId);
  }

  @Override
  public void screen(String userId, String name) {
    send(ScreenMessage.builder(name), userId);
  }

  @Override
  public void group(String userId, String groupId, Map<String, Object> traits) {
    send(GroupMessage.builder(groupId).traits(traits), userId);
  }

  @Override
  public void alias(String userId, String previousId) {
    send(AliasMessage.builder(previousId), userId);
  }

  private void send(MessageBuilder<?, ?> message, String userId) {
    if (userId != null) {
      message.userId(userId);
    }
    analytics.enqueue(message);
    sent++;
  }

  @Override
  public void finish() throws InterruptedException {
    analytics.flush();
    scenario.waitForAnswers(sent);
    analytics.shutdown();
  }
}
