package dev.culebra.bench.cpu;

import dev.culebra.backend.RandomKey;
import dev.culebra.backend.SamplingSpec;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;

/** Drawing one token. */
public class SamplingBench extends OpBench {
  private static final SamplingSpec PLAIN = new SamplingSpec(1, 0, 1);
  private static final SamplingSpec TOP = new SamplingSpec(0.8f, 200, 0.9f);

  private Tensor token;
  private Tensor logits;
  private RandomKey key;

  @Override
  protected void prepare() {
    token = tensor(DType.I32, 1);
    logits = floats(1, model().paddedVocab());
    key = new RandomKey(tensor(DType.I32, 4), 0);
  }

  @Benchmark
  public void all() {
    ops().sampling().sample(token, logits, model().vocab(), PLAIN, key);
  }

  @Benchmark
  public void topKAndTopP() {
    ops().sampling().sample(token, logits, model().vocab(), TOP, key);
  }
}
