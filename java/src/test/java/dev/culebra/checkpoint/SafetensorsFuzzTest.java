package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A small checkpoint with a flipped bit, or with bytes replaced, inserted, repeated or removed: it
 * is rejected by a CheckpointException of one line, or none of the saved data has changed.
 */
class SafetensorsFuzzTest {
  private static final int MUTANTS = 2000;
  private static final Map<String, String> METADATA = Map.of("step", "12", "loss", "1.5");
  private static final List<Item> ITEMS =
      List.of(
          SavedItems.item("h.0.weight", DType.F32, 2, 3),
          SavedItems.item("bias", DType.BF16, 3),
          SavedItems.item("step", DType.I32));

  @TempDir Path folder;

  @Test
  void noMutantIsAccepted() throws IOException {
    Path file = folder.resolve("mutant.safetensors");
    SafetensorsWriter.write(file, ITEMS, METADATA);
    byte[] sound = Files.readAllBytes(file);
    int refused = 0;
    for (int seed = 0; seed < MUTANTS; seed++) {
      Files.write(file, mutant(sound, new Random(seed)));
      refused += isRefused(file, seed) ? 1 : 0;
    }
    // Some mutants are equal to the original, and the checksum's key may be lost without harm.
    assertThat(refused).isBetween(MUTANTS * 9 / 10, MUTANTS - 1);
  }

  private static boolean isRefused(Path file, int seed) {
    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      SavedItems.assertEqual(read, ITEMS);
      assertThat(read.metadata()).as("mutant %d", seed).containsAllEntriesOf(METADATA);
      return false;
    } catch (CheckpointException e) {
      assertThat(e.getMessage()).contains(file.toString()).doesNotContain("\n", "\r", "\u001b");
      return true;
    } catch (IOException | RuntimeException e) {
      return fail("mutant " + seed, e);
    }
  }

  private static byte[] mutant(byte[] bytes, Random random) {
    int at = random.nextInt(bytes.length);
    int length = Math.min(bytes.length - at, 1 + random.nextInt(12));
    return switch (random.nextInt(6)) {
      case 0 -> replaced(bytes, at, (byte) (bytes[at] ^ 1 << random.nextInt(8)));
      case 1 -> replaced(bytes, at, (byte) random.nextInt(256));
      case 2 -> replaced(bytes, at, (byte) "\"{}[]:,-0129.eE \\".charAt(random.nextInt(17)));
      case 3 -> joined(bytes, at, bytes, at + length);
      case 4 -> joined(bytes, at + length, bytes, at);
      default -> joined(bytes, at, new byte[random.nextInt(3)], 0);
    };
  }

  private static byte[] replaced(byte[] bytes, int at, byte by) {
    byte[] copy = bytes.clone();
    copy[at] = by;
    return copy;
  }

  /** The start of one up to {@code end}, then the other from {@code begin} on. */
  private static byte[] joined(byte[] one, int end, byte[] other, int begin) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    joined.write(one, 0, end);
    joined.write(other, begin, other.length - begin);
    return joined.toByteArray();
  }
}
