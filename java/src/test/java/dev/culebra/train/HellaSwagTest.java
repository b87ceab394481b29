package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.data.DataException;
import dev.culebra.data.HellaSwag;
import dev.culebra.data.Measurement;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.text.Gpt2Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** llm.c's file of examples, which is laid out here by its description, against the public one. */
class HellaSwagTest {
  private static final String[] BEGINNINGS = {"A man sits down.", "She opens the door and", "He"};
  private static final String[] ENDINGS = {"He stands up.", "walks", "runs far away", "says no"};

  private final Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();
  @TempDir Path directory;

  private byte[] binary() {
    List<Integer> stream = new ArrayList<>();
    for (int i = 0; i < BEGINNINGS.length; i++) {
      List<Integer> example = new ArrayList<>(List.of(65_535, 0, i, i, ENDINGS.length));
      add(example, BEGINNINGS[i]);
      for (String ending : ENDINGS) {
        add(example, " " + ending);
      }
      example.set(1, example.size() * Short.BYTES);
      stream.addAll(example);
    }
    ByteBuffer file = ByteBuffer.allocate(1024 + stream.size() * Short.BYTES);
    file.order(ByteOrder.LITTLE_ENDIAN).putInt(20240522).putInt(1).putInt(BEGINNINGS.length);
    file.position(1024);
    stream.forEach(token -> file.putShort(token.shortValue()));
    return file.array();
  }

  private void add(List<Integer> example, String text) {
    int[] tokens = tokenizer.encode(text);
    example.add(tokens.length);
    Arrays.stream(tokens).forEach(example::add);
  }

  private Path lines() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < BEGINNINGS.length; i++) {
      lines.append(
          "{\"ind\": %d, \"ctx\": \"%s\", \"endings\": [\"%s\"], \"label\": %d}\n"
              .formatted(i, BEGINNINGS[i], String.join("\", \"", ENDINGS), i));
    }
    return Files.writeString(directory.resolve("hellaswag.jsonl"), lines);
  }

  @Test
  void bothFormatsGiveTheSameResult() throws IOException {
    Path binary = Files.write(directory.resolve("hellaswag_val.bin"), binary());
    GptConfig config = Preset.NANO.config(tokenizer.vocab());
    try (CpuBackend backend = new CpuBackend();
        Gpt model = new Gpt(config, backend, 3)) {
      Measurement read =
          Evaluation.of(model, HellaSwag.read(binary, tokenizer), 5, config.context());
      assertThat(read.figures())
          .isEqualTo(
              Evaluation.of(model, HellaSwag.read(lines(), tokenizer), 5, config.context())
                  .figures())
          .containsEntry("examples", 3);
    }
  }

  @Test
  void damageIsReportedInOneLine() throws IOException {
    byte[] whole = binary();
    for (int length = 0; length < whole.length; length += 2) {
      Path file = Files.write(directory.resolve("cut.bin"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> HellaSwag.read(file, tokenizer))
          .isInstanceOf(DataException.class)
          .hasMessageMatching(file + " is damaged at example [123]");
    }
    Path longer =
        Files.write(directory.resolve("long.bin"), Arrays.copyOf(whole, whole.length + 2));
    assertThatThrownBy(() -> HellaSwag.read(longer, tokenizer))
        .hasMessage(longer + " has more than the 3 examples of its header");
    Path other = Files.write(directory.resolve("other.bin"), new byte[1024]);
    assertThatThrownBy(() -> HellaSwag.read(other, tokenizer))
        .hasMessage(other + " is not llm.c's HellaSwag: it does not begin with 20240522 and 1");
  }
}
