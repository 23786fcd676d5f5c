// com.segment.analytics.java:analytics, unmodified.

import com.segment.analytics.Callback;
import com.segment.analytics.Analytics;
import com.segment.analytics.messages.AliasMessage;
import com.segment.analytics.messages.GroupMessage;
import com.segment.analytics.messages.IdentifyMessage;
import com.segment.analytics.messages.Message;
import com.segment.analytics.messages.MessageBuilder;
import com.segment.analytics.messages.PageMessage;
import com.segment.analytics.messages.ScreenMessage;
import com.segment.analytics.messages.TrackMessage;
import java.util.Map;

final class SegmentJava implements Scenario.Sdk {
  private final Scenario scenario;
  private final Analytics analytics;
  private int sent;

  private SegmentJava(Scenario scenario) {
    this.scenario = scenario;
    analytics = Analytics.builder(Scenario.WRITE_KEY)
        .endpoint(Scenario.URL)
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
    scenario.run(arguments[0], new SegmentJava(scenario));
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
