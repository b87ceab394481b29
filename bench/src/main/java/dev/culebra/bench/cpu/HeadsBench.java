package dev.culebra.bench.cpu;

import dev.culebra.backend.HeadsSpec;
import dev.culebra.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The preparation of queries and keys between projection and attention. */
public class HeadsBench extends OpBench {
  /** The features of newer papers. */
  public enum Kind {
    ROTARY,
    NORMALISED,
    SHARED,
    ALL,
    /** All, and learned scales. */
    SCALED;

    private HeadsSpec spec(int heads) {
      boolean all = this == ALL || this == SCALED;
      int kvHeads = this == SHARED || all ? heads / 2 : heads;
      return new HeadsSpec(heads, kvHeads, this == NORMALISED || all, this == ROTARY || all);
    }
  }

  /** The features to measure. */
  @Param public Kind kind;

  private HeadsSpec spec;
  private Tensor in;
  private Tensor qkv;
  private Tensor dIn;
  private Tensor scale;
  private Tensor dScale;

  @Override
  protected void prepare() {
    int batch = course.batch();
    int time = course.time();
    int width = model().embd();
    spec = kind.spec(model().heads());
    int projected = width / spec.heads() * spec.projected();
    in = floats(batch, time, projected);
    qkv = floats(batch, time, 3 * width);
    dIn = floats(batch, time, projected);
    boolean scaled = kind == Kind.SCALED;
    scale = scaled ? floats(width / spec.heads()) : null;
    dScale = scaled ? floats(width / spec.heads()) : null;
  }

  @Benchmark
  public void forward() {
    ops().heads().forward(qkv, in, scale, scale, null, spec);
  }

  @Benchmark
  public void backward() {
    ops().heads().backward(dIn, dScale, dScale, qkv, in, scale, scale, spec);
  }
}
