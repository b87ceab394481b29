package dev.culebra.generate;

import dev.culebra.backend.Backend;
import dev.culebra.backend.Recording;
import dev.culebra.backend.SamplingOp;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.KvCache;
import dev.culebra.nn.Positions;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads with a {@link Gpt} and a cache of keys and values for each place: one row of work per
 * token. Rows of several sequences go through the model together, which reads its weights once.
 */
final class CachedReader implements TokenReader {
  private final Owned owned = new Owned();
  private final Backend backend;
  private final Gpt model;
  private final int window;
  private final Gpt decoder;
  private final Gpt reader;
  private final List<KvCache> caches = new ArrayList<>();
  private List<Sequence.Place> planned = List.of();
  private List<SamplingSpec> recordedSpecs = List.of();
  private Recording nextTokens;

  CachedReader(Gpt model, int window) {
    this.model = model;
    this.window = window;
    backend = model.backend();
    try {
      KvCache first = cache(0);
      decoder = owned.add(model.shareWeights());
      reader = owned.add(model.shareWeights());
      decoder.eval();
      reader.eval();
      decoder.planDecoding(List.of(first));
      reader.planPrefill(first, window); // for one sequence, runs out of memory here or never
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  @Override
  public int places() {
    return backend.independentRows();
  }

  /** Keys that were rotated keep their distances; learned positions are added to the tokens. */
  @Override
  public boolean slides() {
    return model.config().positions() == Positions.ROTARY;
  }

  /** The cache of a place, which is made when it is first needed. */
  private KvCache cache(int place) {
    while (caches.size() <= place) {
      caches.add(owned.add(new KvCache(backend, model.config(), 1, window)));
    }
    return caches.get(place);
  }

  @Override
  public void restart(Sequence sequence) {
    KvCache cache = cache(sequence.place().index());
    int read = sequence.length() - 1;
    cache.setLength(read);
    if (read > 0) {
      reader.planPrefill(cache, read);
      reader.load(MemorySegment.ofArray(Arrays.copyOf(sequence.window(), read)), null);
      reader.forwardToCache();
    }
  }

  @Override
  public int ahead() {
    return backend.replaysAhead();
  }

  @Override
  public void draw(List<Sequence> sequences, int steps) {
    List<Sequence.Place> places = sequences.stream().map(Sequence::place).toList();
    plan(places);
    record(places, sequences.stream().map(each -> each.continuation().sampling()).toList());
    int[] tokens = sequences.stream().mapToInt(Sequence::last).toArray();
    decoder.load(MemorySegment.ofArray(tokens), null);
    sequences.forEach(each -> cache(each.place().index()).setLength(each.length() - 1));
    for (int step = 0; step < steps; step++) {
      nextTokens.replay();
    }
  }

  private void plan(List<Sequence.Place> places) {
    if (!places.equals(planned)) {
      closeRecording();
      planned = List.of(); // planning frees the old plan, even if it fails
      decoder.planDecoding(places.stream().map(place -> cache(place.index())).toList());
      planned = places;
    }
  }

  /**
   * Records the work of a step, one graph on a GPU; how to sample is part of it. It ends with all
   * that the next step needs, so that the host need not know the token.
   */
  private void record(List<Sequence.Place> places, List<SamplingSpec> specs) {
    if (!specs.equals(recordedSpecs)) {
      closeRecording();
      nextTokens =
          backend.record(
              () -> {
                Tensor logits = decoder.forward();
                int width = logits.shape().dim(-1);
                for (int row = 0; row < places.size(); row++) {
                  Tensor own = logits.slice((long) row * width, Shape.of(1, width));
                  Sequence.Place place = places.get(row);
                  SamplingOp sampling = backend.ops().sampling();
                  sampling.sample(place.drawn(), own, decoder.vocab(), specs.get(row), place.key());
                  sampling.advance(
                      place.history(),
                      decoder.tokens().slice(row, Shape.of(1)),
                      cache(place.index()).position(),
                      place.key(),
                      place.drawn());
                }
              });
      recordedSpecs = specs;
    }
  }

  private void closeRecording() {
    if (nextTokens != null) {
      nextTokens.close();
      nextTokens = null;
      recordedSpecs = List.of();
    }
  }

  @Override
  public void close() {
    closeRecording();
    owned.close();
  }
}
