package dev.culebra.bench.cpu;

import dev.culebra.bench.Median;
import dev.culebra.bench.Surroundings;
import dev.culebra.data.TokenizerFolder;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * How fast texts become tokens: GPT-2's encoding by jtokkit and by our own byte-level BPE with the
 * same merges, which must give the same tokens. They take turns, so that other work on the machine
 * hits all of them.
 */
@Command(
    name = "tokenizers",
    description = "Times the encoding of a text, by jtokkit and by our own BPE.",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true)
public final class TokenizerBench implements Callable<Integer> {
  private static final int ROUNDS = 3;

  @Parameters(paramLabel = "FILE", description = "The text, in UTF-8; it is repeated.")
  private Path file;

  @Option(
      names = "--megabytes",
      defaultValue = "100",
      description = "Bytes of text in a turn, at least (default: ${DEFAULT-VALUE}).")
  private int megabytes;

  @Option(
      names = "--tokenizer",
      paramLabel = "DIR",
      description = "Also times the tokenizer of a folder as Hugging Face writes it.")
  private Path folder;

  @Override
  public Integer call() throws IOException {
    String text = Files.readString(file);
    if (text.isEmpty()) {
      throw new IOException(file + " is empty");
    }
    Map<String, Tokenizer> tokenizers = new LinkedHashMap<>();
    tokenizers.put("GPT-2, jtokkit", new Gpt2Tokenizer());
    tokenizers.put("GPT-2, own BPE", new Gpt2Tokenizer().writtenOut());
    if (folder != null) {
      tokenizers.put(folder.getFileName().toString(), TokenizerFolder.open(folder));
    }
    requireEqualTokens(text, tokenizers);

    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    int repeats = Math.ceilDiv(megabytes * 1_000_000, bytes);
    Map<String, double[]> rates = new LinkedHashMap<>();
    Map<String, Long> counts = new LinkedHashMap<>();
    for (int round = 0; round < ROUNDS; round++) {
      for (Map.Entry<String, Tokenizer> each : tokenizers.entrySet()) {
        long start = System.nanoTime();
        counts.put(each.getKey(), count(text, repeats, each.getValue()));
        double seconds = 1e-9 * (System.nanoTime() - start);
        rates.computeIfAbsent(each.getKey(), name -> new double[ROUNDS])[round] =
            1e-6 * bytes * repeats / seconds;
      }
    }
    System.out.print(Surroundings.describe(1));
    System.out.printf("%d MB of text in a turn%n%n", (long) bytes * repeats / 1_000_000);
    System.out.println("| tokenizer | tokens | MB/s, median | best |");
    System.out.println("| --- | ---: | ---: | ---: |");
    rates.forEach(
        (name, each) ->
            System.out.printf(
                "| %s | %,d | %.1f | %.1f |%n",
                name, counts.get(name), Median.of(each), Arrays.stream(each).max().orElse(0)));
    return 0;
  }

  /** The first two give the same tokens. */
  private static void requireEqualTokens(String text, Map<String, Tokenizer> tokenizers) {
    int[][] tokens =
        tokenizers.values().stream()
            .limit(2)
            .map(tokenizer -> all(text, tokenizer))
            .toArray(int[][]::new);
    int at = Arrays.mismatch(tokens[0], tokens[1]);
    if (at >= 0) {
      throw new IllegalStateException("jtokkit and our BPE disagree at token " + at);
    }
  }

  private static int[] all(String text, Tokenizer tokenizer) {
    TokenEncoder encoder = tokenizer.encoder();
    int[] most = encoder.accept(text);
    int[] rest = encoder.finish();
    int[] tokens = Arrays.copyOf(most, most.length + rest.length);
    System.arraycopy(rest, 0, tokens, most.length, rest.length);
    return tokens;
  }

  private static long count(String text, int repeats, Tokenizer tokenizer) {
    TokenEncoder encoder = tokenizer.encoder();
    long tokens = 0;
    for (int i = 0; i < repeats; i++) {
      tokens += encoder.accept(text).length;
    }
    return tokens + encoder.finish().length;
  }
}
