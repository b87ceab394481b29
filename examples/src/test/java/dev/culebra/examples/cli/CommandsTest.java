package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class CommandsTest {
  static Stream<String> commands() {
    return Culebra.commandLine().getSubcommands().values().stream()
        .flatMap(command -> Stream.concat(Stream.of(command), subcommands(command)))
        .map(command -> command.getCommandSpec().qualifiedName().replaceFirst("culebra ", ""));
  }

  private static Stream<CommandLine> subcommands(CommandLine command) {
    return command.getSubcommands().values().stream();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandHasHelpWithAnExample(String command) {
    Outcome help = Outcome.of((command + " --help").split(" "));

    assertThat(help.exitCode()).isZero();
    assertThat(help.err()).isEmpty();
    assertThat(help.out()).contains("Usage: culebra " + command).doesNotContain("${", "=<");
    assertThat(help.out()).contains("Example: ");
    assertThat(Outcome.of(("help " + command).split(" "))).isEqualTo(help);
  }

  @Test
  void helpOfAnUnknownCommandNamesASimilarOne() {
    assertThat(Outcome.of("help")).isEqualTo(Outcome.of("--help"));
    Outcome.of("help", "trian").assertFails(2, "unknown command 'trian'; did you mean .*train.*");
    Outcome.of("help", "data", "lst").assertFails(2, "unknown command 'lst'; did you mean .*");
    Outcome.of("help", "train", "x").assertFails(2, "unexpected argument 'x'.*");
  }

  @Test
  void withoutACommandTheHelpIsPrinted() {
    assertThat(Outcome.of()).isEqualTo(Outcome.of("--help"));
    assertThat(Outcome.of().out()).contains("Usage: culebra ");
  }

  @Test
  void infoShowsTheMachineAndTheDevice() {
    Outcome info = Outcome.of("info");

    assertThat(info.exitCode()).isZero();
    assertThat(info.out())
        .contains(Runtime.getRuntime().availableProcessors() + " processor")
        .contains("512 bits".replace("512", String.valueOf(Machine.now().vectorBits())))
        .contains("auto is cpu: ");
  }

  @Test
  void infoAsJsonShowsTheSame() throws JsonProcessingException {
    JsonNode info = JsonMapper.builder().build().readTree(Outcome.of("info", "--json").out());

    assertThat(info.get("processors").asInt())
        .isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(info.get("auto_device").asText()).isEqualTo("cpu");
    assertThat(info.get("gpus").has("gpus")).isTrue();
  }

  @Test
  void bashAcceptsTheCompletionScript() throws IOException, InterruptedException {
    Outcome completion = Outcome.of("completion");
    Process bash = new ProcessBuilder("bash", "-n").redirectErrorStream(true).start();
    try (var script = bash.outputWriter()) {
      script.write(completion.out());
    }

    assertThat(bash.waitFor()).isZero();
    assertThat(completion.out()).contains("complete -F _complete_culebra");
  }
}
