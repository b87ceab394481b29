package dev.culebra.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/**
 * Writes nanoGPT's raw format: each token as 16 bits, little-endian. {@link #close} writes what is
 * still buffered; the channel stays open. Not thread-safe.
 */
public final class TokenFileWriter implements AutoCloseable {
  /** Largest vocabulary whose tokens fit. */
  public static final int MAX_VOCAB = TokenWidth.MAX_UINT16_VOCAB;

  private final WritableByteChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
  private long count;

  public TokenFileWriter(WritableByteChannel channel) {
    this.channel = channel;
  }

  /**
   * Appends tokens.
   *
   * @throws IllegalArgumentException if one does not fit into 16 bits
   */
  public void write(int... tokens) throws IOException {
    for (int token : tokens) {
      if (token < 0 || token >= MAX_VOCAB) {
        throw new IllegalArgumentException("token %d does not fit into 16 bits".formatted(token));
      }
      if (!buffer.hasRemaining()) {
        drain();
      }
      buffer.putShort((short) token);
    }
    count += tokens.length;
  }

  /** Number of tokens written so far. */
  public long count() {
    return count;
  }

  @Override
  public void close() throws IOException {
    drain();
  }

  private void drain() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }
}
