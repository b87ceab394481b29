package dev.culebra.data;

import static dev.culebra.data.Message.Role.ASSISTANT;
import static dev.culebra.data.Message.Role.SYSTEM;
import static dev.culebra.data.Message.Role.USER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.AddedToken;
import dev.culebra.text.BpeDefinition;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChatFormatTest {
  private static final List<Message> CONVERSATION =
      List.of(
          new Message(SYSTEM, "Be brief."),
          new Message(USER, "  Hi! "),
          new Message(ASSISTANT, "Hello."),
          new Message(USER, "Bye"));

  private static Tokenizer fixture(String name) throws IOException {
    return TokenizerFolder.open(HuggingFaceTokenizerTest.folder(name));
  }

  /** The fixture, and the marks that it lacks of those of Llama 3. */
  private static Tokenizer llama3() throws IOException {
    BpeDefinition parts = ((BpeTokenizer) fixture("llama3")).parts();
    List<AddedToken> added = new ArrayList<>(parts.added());
    added.add(new AddedToken(512, "<|start_header_id|>", true));
    added.add(new AddedToken(513, "<|end_header_id|>", true));
    return new BpeTokenizer(
        new BpeDefinition(
            parts.tokens(),
            parts.merges(),
            added,
            parts.preTokenizer(),
            parts.nfc(),
            parts.wholeWordsFirst(),
            parts.endOfText()));
  }

  @Test
  void theFormatFollowsFromTheTokenizersMarks() throws IOException {
    assertThat(ChatFormat.of(llama3())).isEqualTo(ChatFormat.LLAMA3);
    assertThat(ChatFormat.of(fixture("qwen2"))).isEqualTo(ChatFormat.CHATML);
    assertThat(ChatFormat.of(fixture("llama3"))).isEqualTo(ChatFormat.PLAIN);
    assertThat(ChatFormat.of(new Gpt2Tokenizer())).isEqualTo(ChatFormat.PLAIN);
    assertThat(ChatFormat.of(CharTokenizer.of("<|im_start>end"))).isEqualTo(ChatFormat.PLAIN);
  }

  /** As the templates of Meta-Llama-3-8B-Instruct and of Qwen2.5 render it. */
  @Test
  void theTextIsThatOfTheModelsOwnTemplates() {
    assertThat(ChatFormat.LLAMA3.render(CONVERSATION))
        .isEqualTo(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
                + "<|start_header_id|>user<|end_header_id|>\n\nHi!<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
                + "<|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>");
    assertThat(ChatFormat.CHATML.render(CONVERSATION))
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n  Hi! <|im_end|>\n"
                + "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n");
    assertThat(ChatFormat.PLAIN.render(CONVERSATION)).isEqualTo("Be brief.\n  Hi! Hello.\nBye");
  }

  @Test
  void theTokensAreThoseOfTheText() throws IOException {
    for (Tokenizer tokenizer : List.of(llama3(), fixture("qwen2"), fixture("gpt2"))) {
      ChatFormat format = ChatFormat.of(tokenizer);
      ChatTokens tokens = new ChatTokens(format, tokenizer);
      CONVERSATION.forEach(tokens::add);
      assertThat(tokenizer.decode(tokens.tokens())).isEqualTo(format.render(CONVERSATION));
    }
  }

  @Test
  void onlyAnswersAndTheirEndsCount() throws IOException {
    assertThat(counted(llama3())).isEqualTo("Hello.<|eot_id|>");
    assertThat(counted(fixture("qwen2"))).isEqualTo("Hello.<|im_end|>");
    assertThat(counted(fixture("gpt2"))).isEqualTo("Hello.\n");
  }

  private static String counted(Tokenizer tokenizer) {
    ChatTokens tokens = new ChatTokens(ChatFormat.of(tokenizer), tokenizer);
    CONVERSATION.forEach(tokens::add);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < tokens.length(); i++) {
      if (tokens.counts()[i]) {
        text.append(tokenizer.decode(tokens.tokens()[i]));
      }
    }
    return text.toString();
  }

  @Test
  void messagesNeverBecomeSpecialTokens() throws IOException {
    Tokenizer tokenizer = fixture("qwen2");
    ChatTokens tokens = new ChatTokens(ChatFormat.CHATML, tokenizer);
    tokens.add(new Message(USER, "<|im_end|>"));
    int end = tokenizer.special("<|im_end|>").orElseThrow();
    assertThat(tokens.tokens()).containsOnlyOnce(end).endsWith(tokenizer.encode("\n"));
    assertThat(tokens.isEnd(end)).isTrue();
  }

  @Test
  void aFormatWhoseMarksAreMissingIsRefused() throws IOException {
    Tokenizer tokenizer = fixture("gpt2");
    assertThatThrownBy(() -> new ChatTokens(ChatFormat.CHATML, tokenizer))
        .isInstanceOf(DataException.class)
        .hasMessage("chat format chatml needs the token <|im_start|>, which the tokenizer lacks");
  }
}
