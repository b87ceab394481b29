package dev.culebra.generate;

import dev.culebra.backend.Backend;
import dev.culebra.backend.RandomKey;
import dev.culebra.backend.Recording;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.KvCache;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Reads with a {@link Gpt} and a cache of keys and values: one row of work per token. */
final class CachedReader implements NextToken {
  private final Owned owned = new Owned();
  private final Backend backend;
  private final Gpt decoder;
  private final Gpt reader;
  private final KvCache cache;
  private SamplingSpec recordedSpec;
  private Recording nextToken;

  CachedReader(Gpt model, int window) {
    backend = model.backend();
    try {
      cache = owned.add(new KvCache(backend, model.config(), 1));
      decoder = owned.add(model.shareWeights());
      reader = owned.add(model.shareWeights());
      decoder.eval();
      reader.eval();
      decoder.planDecoding(cache);
      reader.planPrefill(cache, window); // runs out of memory here or never
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  @Override
  public void restart(int[] window, int length) {
    cache.setLength(length);
    if (length > 0) {
      reader.planPrefill(cache, length);
      reader.load(MemorySegment.ofArray(Arrays.copyOf(window, length)), null);
      reader.forwardToCache();
    }
  }

  @Override
  public void draw(int[] window, int length, SamplingSpec spec, RandomKey key, Tensor drawn) {
    record(spec, key, drawn);
    decoder.load(MemorySegment.ofArray(new int[] {window[length - 1]}), null);
    nextToken.replay();
    cache.setLength(length);
  }

  /** Records the work of a token, one graph on a GPU; {@code spec} is part of it. */
  private void record(SamplingSpec spec, RandomKey key, Tensor drawn) {
    if (!spec.equals(recordedSpec)) {
      closeRecording();
      nextToken =
          backend.record(
              () -> {
                Tensor logits = decoder.forward();
                backend.ops().sampling().sample(drawn, logits, decoder.vocab(), spec, key);
              });
      recordedSpec = spec;
    }
  }

  private void closeRecording() {
    if (nextToken != null) {
      nextToken.close();
      nextToken = null;
      recordedSpec = null;
    }
  }

  @Override
  public void close() {
    closeRecording();
    owned.close();
  }
}
