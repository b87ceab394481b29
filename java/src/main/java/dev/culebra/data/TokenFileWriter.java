package dev.culebra.data;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Writes nanoGPT's raw format: each token as 16 bits, little-endian, or as 32 if the vocabulary
 * needs them. {@link #close} flushes the buffer; the channel stays open. Not thread-safe.
 */
public final class TokenFileWriter implements TokenStore, AutoCloseable {
  private static final int BUFFER = 1 << 16;

  private final FileChannel channel;
  private final int vocab;
  private final TokenWidth width;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
  private final MemorySegment room = MemorySegment.ofBuffer(buffer);

  /** Tokens in the file, and after them in the buffer. */
  private long written;

  private int buffered;

  /**
   * Writes tokens below {@code vocab} from the beginning of {@code channel} on, which is open for
   * writing, and for reading where {@link #read} is called.
   */
  public TokenFileWriter(FileChannel channel, int vocab) {
    this.channel = channel;
    this.vocab = vocab;
    this.width = TokenWidth.of(vocab);
  }

  /**
   * Appends tokens.
   *
   * @throws IllegalArgumentException if one is outside the vocabulary
   */
  @Override
  public void add(int... tokens) throws IOException {
    for (int token : tokens) {
      if (token < 0 || token >= vocab) {
        throw new IllegalArgumentException(
            "token %d is outside the vocabulary of %d".formatted(token, vocab));
      }
      if (buffered == BUFFER / width.bytes()) {
        drain();
      }
      width.set(room, buffered++, token);
    }
  }

  /** Number of tokens written so far. */
  @Override
  public long size() {
    return written + buffered;
  }

  @Override
  public void read(long from, int[] into, int count) throws IOException {
    drain();
    for (int done = 0; done < count; ) {
      int some = Math.min(count - done, BUFFER / width.bytes());
      readFully((from + done) * width.bytes(), some * width.bytes());
      for (int i = 0; i < some; i++) {
        into[done++] = width.get(room, i);
      }
    }
  }

  private void readFully(long position, int bytes) throws IOException {
    buffer.clear().limit(bytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw new EOFException("the file ends too early");
      }
    }
  }

  @Override
  public void truncate(long kept) throws IOException {
    drain();
    written = kept;
    channel.truncate(kept * width.bytes());
  }

  @Override
  public void close() throws IOException {
    drain();
  }

  private void drain() throws IOException {
    buffer.clear().limit(buffered * width.bytes());
    while (buffer.hasRemaining()) {
      channel.write(buffer, written * width.bytes() + buffer.position());
    }
    written += buffered;
    buffered = 0;
  }
}
