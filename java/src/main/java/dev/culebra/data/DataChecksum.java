package dev.culebra.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Identifies data, wherever its files are, by the number of its tokens and a digest of them. Of
 * large files only samples are digested, and their modification times.
 *
 * @param trainTokens of the training part
 * @param validationTokens of the validation part
 * @param tokens digest of all tokens, or of samples of them
 * @param times digest of the modification times of large files; empty if all tokens were digested
 */
public record DataChecksum(long trainTokens, long validationTokens, String tokens, String times) {
  /** Files up to this size are digested completely, which takes a tenth of a second. */
  private static final long WHOLE_BYTES = 64L << 20;

  private static final int SAMPLES = 64;
  private static final int SAMPLE_BYTES = 1 << 12;
  private static final long PIECE_BYTES = 1 << 30;

  private static final Pattern WRITTEN =
      Pattern.compile("(\\d{1,18}) (\\d{1,18}) ([0-9a-f]{64})(?: ([0-9a-f]{64}))?");

  /** That of tokens. */
  static DataChecksum of(Tokens train, Tokens validation) {
    MessageDigest tokens = sha256();
    MessageDigest times = sha256();
    boolean sampled = false;
    for (Tokens part : List.of(train, validation)) {
      boolean large = !part.files().isEmpty() && bytes(part) > WHOLE_BYTES;
      for (MemorySegment segment : part.segments()) {
        if (large) {
          sample(tokens, segment);
        } else {
          update(tokens, segment);
        }
      }
      if (large) {
        sampled = true;
        part.files().forEach(file -> times.update(timeOf(file)));
      }
    }
    return new DataChecksum(
        train.size(), validation.size(), hex(tokens), sampled ? hex(times) : "");
  }

  private static long bytes(Tokens tokens) {
    return tokens.segments().stream().mapToLong(MemorySegment::byteSize).sum();
  }

  private static void update(MessageDigest digest, MemorySegment segment) {
    for (long at = 0; at < segment.byteSize(); at += PIECE_BYTES) {
      long bytes = Math.min(PIECE_BYTES, segment.byteSize() - at);
      digest.update(segment.asSlice(at, bytes).asByteBuffer());
    }
  }

  /** The size, and evenly spaced blocks, including the first and the last. */
  private static void sample(MessageDigest digest, MemorySegment segment) {
    digest.update(Long.toString(segment.byteSize()).getBytes(UTF_8));
    long last = Math.max(0, segment.byteSize() - SAMPLE_BYTES);
    long bytes = Math.min(SAMPLE_BYTES, segment.byteSize());
    for (int i = 0; i < SAMPLES; i++) {
      update(digest, segment.asSlice(last / (SAMPLES - 1) * i, bytes));
    }
    update(digest, segment.asSlice(last, bytes));
  }

  private static byte[] timeOf(Path file) {
    try {
      return (Files.getLastModifiedTime(file) + "\n").getBytes(UTF_8);
    } catch (IOException e) { // it was deleted after it was mapped
      return "gone\n".getBytes(UTF_8);
    }
  }

  /**
   * That of rows of tokens.
   *
   * @param train rows, of several parts each, such as a question and its answer
   * @param validation the same
   */
  static DataChecksum ofRows(List<List<int[]>> train, List<List<int[]>> validation) {
    MessageDigest digest = sha256();
    return new DataChecksum(add(train, digest), add(validation, digest), hex(digest), "");
  }

  private static long add(List<List<int[]>> rows, MessageDigest digest) {
    long tokens = 0;
    for (List<int[]> row : rows) {
      for (int[] part : row) {
        tokens += part.length;
        digest.update((part.length + "\n").getBytes(UTF_8));
        digest.update(MemorySegment.ofArray(part).toArray(ValueLayout.JAVA_BYTE));
      }
    }
    return tokens;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** What {@link #toString} wrote; empty for anything else. */
  public static Optional<DataChecksum> parse(String text) {
    Matcher written = WRITTEN.matcher(text);
    if (!written.matches()) {
      return Optional.empty();
    }
    String times = written.group(4);
    return Optional.of(
        new DataChecksum(
            Long.parseLong(written.group(1)),
            Long.parseLong(written.group(2)),
            written.group(3),
            times == null ? "" : times));
  }

  /** On one line, for {@link #parse}. */
  @Override
  public String toString() {
    return "%d %d %s %s".formatted(trainTokens, validationTokens, tokens, times).strip();
  }

  /** How it differs from an earlier checksum, in words; empty if it does not. */
  public String differenceFrom(DataChecksum before) {
    if (trainTokens != before.trainTokens || validationTokens != before.validationTokens) {
      return String.format(
          Locale.ROOT,
          "it has %,d tokens to train on and %,d to validate on, not %,d and %,d",
          trainTokens,
          validationTokens,
          before.trainTokens,
          before.validationTokens);
    }
    if (!tokens.equals(before.tokens)) {
      return "it has as many tokens, but others or in another order";
    }
    return times.equals(before.times)
        ? ""
        : "its files were written at another time, and only samples of them were compared";
  }
}
