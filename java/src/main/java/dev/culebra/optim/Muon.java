package dev.culebra.optim;

import dev.culebra.backend.Backend;
import dev.culebra.backend.MuonStep;
import dev.culebra.backend.Recording;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameter;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Muon for the matrices of a model, {@link AdamW} for its tables, biases and scales. The momentum
 * of a matrix is made nearly orthogonal before it is subtracted, so that no direction is neglected
 * (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024). A step is
 * scaled to be as large as one of AdamW, so that rate and decay are the same for both (Liu et al.,
 * "Muon is scalable for LLM training", 2025).
 */
public final class Muon implements Optimizer {
  /** Prefix of the states' names. */
  static final String STATE = "muon.";

  private static final String MOMENTUM = STATE + "m.";

  /** μ of the paper. */
  private static final float MU = 0.95f;

  /**
   * Approximate limit of a batch's scratch memory in bytes, unless the batch is a single matrix.
   * For GPT-2 124M, the 12 matrices of one kind need 85 MB in BF16, and they keep a large GPU busy.
   */
  private static final long SCRATCH_BYTES = 100_000_000;

  /** In bytes. */
  private static final long ALIGNMENT = 64;

  /**
   * A matrix (R, C) with its state.
   *
   * @param momentum F32 (R, C)
   * @param direction (R, C), of the backend's dtype
   */
  private record Matrix(Parameter parameter, Tensor momentum, Tensor direction) {}

  /**
   * L matrices of shape (R, C), orthogonalised together.
   *
   * @param directions (L, R, C), in memory that all batches share
   * @param direct computes directions from gradients; the same in every step
   */
  private record Batch(List<Matrix> matrices, Tensor directions, Recording direct) {}

  private final Parameters parameters;
  private final Backend backend;
  private final AdamW.Config config;
  private final long seed;
  private final Buffer buffer;
  private final Tensor gradientNorm;
  private final List<Batch> batches = new ArrayList<>();
  private final List<AdamW> others = new ArrayList<>();
  private int steps;

  /**
   * Momentum of 0 for {@code parameters}.
   *
   * @param config of AdamW; its decay and clipping also apply to Muon
   * @param seed of the stochastic rounding on a BF16 backend
   */
  public Muon(Parameters parameters, AdamW.Config config, long seed) {
    this.parameters = parameters;
    this.backend = parameters.backend();
    this.config = config;
    this.seed = seed;
    List<Parameter> chosen =
        parameters.list().stream()
            .filter(parameter -> parameter.kind() == Parameter.Kind.MATRIX)
            .sorted(Comparator.comparingLong(parameters::offset))
            .toList();
    List<List<Parameter>> alike = alike(chosen, backend.dtype());
    long directions = alike.stream().mapToLong(Muon::elements).max().orElse(0);
    long directionBytes = Math.ceilDiv(directions * backend.dtype().bytes(), ALIGNMENT) * ALIGNMENT;
    long momentumBytes = elements(chosen) * DType.F32.bytes();
    buffer = backend.allocate(directionBytes + momentumBytes + DType.F32.bytes());
    gradientNorm = new Tensor(buffer, directionBytes + momentumBytes, DType.F32, Shape.of(1));
    try {
      long momentum = directionBytes;
      for (List<Parameter> each : alike) {
        batches.add(batch(each, momentum));
        momentum += elements(each) * DType.F32.bytes();
      }
      addOthers(chosen);
      takeWorkspace();
    } catch (Throwable e) { // even an Error must leave nothing open
      close();
      throw e;
    }
  }

  /** Groups of matrices of one shape, each at most as large as one batch. */
  private static List<List<Parameter>> alike(List<Parameter> chosen, DType dtype) {
    Map<Shape, List<Parameter>> byShape =
        chosen.stream()
            .collect(
                Collectors.groupingBy(Parameter::shape, LinkedHashMap::new, Collectors.toList()));
    List<List<Parameter>> alike = new ArrayList<>();
    byShape.forEach(
        (shape, all) -> {
          int pieces =
              Math.ceilDiv(all.size(), atOnce(scratchBytes(shape.dim(0), shape.dim(1), dtype)));
          int size = Math.ceilDiv(all.size(), pieces);
          for (int from = 0; from < all.size(); from += size) {
            alike.add(all.subList(from, Math.min(from + size, all.size())));
          }
        });
    return alike;
  }

  private static int atOnce(long scratchBytes) {
    return (int) Math.max(1, SCRATCH_BYTES / scratchBytes);
  }

  /** Of {@link dev.culebra.backend.MuonOp#orthogonalise} for one matrix. */
  private static long scratchBytes(long rows, long columns, DType dtype) {
    long size = Math.min(rows, columns);
    return (rows * columns + 2 * size * size) * dtype.bytes();
  }

  private static long elements(List<Parameter> parameters) {
    return parameters.stream().mapToLong(parameter -> parameter.shape().elements()).sum();
  }

  /** Workspace for the batch with the largest matrices, rounded up to a power of two. */
  public static long workspaceBytes(GptConfig config, DType dtype) {
    long columns = config.embd();
    return IntStream.of(
            config.projectedWidth(),
            config.attentionWidth(),
            config.expandedWidth(),
            config.hiddenWidth())
        .mapToLong(rows -> scratchBytes(rows, columns, dtype))
        .map(bytes -> 2 * bytes * Math.min(config.layers(), atOnce(bytes)))
        .max()
        .orElseThrow();
  }

  /**
   * @param at offset of their momentum in the buffer
   */
  private Batch batch(List<Parameter> alike, long at) {
    Shape shape = alike.getFirst().shape();
    Shape all = Shape.of(alike.size(), shape.dim(0), shape.dim(1));
    Tensor directions = new Tensor(buffer, 0, backend.dtype(), all);
    List<Matrix> matrices = new ArrayList<>();
    for (int i = 0; i < alike.size(); i++) {
      long first = i * shape.elements();
      matrices.add(
          new Matrix(
              alike.get(i),
              new Tensor(buffer, at + first * DType.F32.bytes(), DType.F32, shape),
              directions.slice(first, shape)));
    }
    return new Batch(matrices, directions, backend.record(() -> direct(matrices, directions)));
  }

  private void direct(List<Matrix> matrices, Tensor directions) {
    for (Matrix matrix : matrices) {
      backend
          .ops()
          .muon()
          .momentum(
              matrix.direction,
              matrix.momentum,
              parameters.slice(parameters.gradients(), matrix.parameter),
              gradientNorm,
              MU,
              config.maxNorm());
    }
    backend.ops().muon().orthogonalise(directions);
  }

  /**
   * Takes the workspace before the first step, so that a lack of memory shows early. Zeros stay
   * zeros.
   */
  private void takeWorkspace() {
    batches.stream()
        .map(batch -> batch.directions)
        .max(Comparator.comparingLong(Tensor::elements))
        .ifPresent(backend.ops().muon()::orthogonalise);
  }

  /** Gives each stretch before, between and after the matrices its own AdamW. */
  private void addOthers(List<Parameter> chosen) {
    long from = 0;
    for (Parameter parameter : chosen) {
      addOthers(from, parameters.offset(parameter));
      from = parameters.end(parameter);
    }
    addOthers(from, parameters.values().elements());
  }

  private void addOthers(long from, long to) {
    if (from < to) {
      others.add(new AdamW(parameters, config, seed + from, from, to));
    }
  }

  @Override
  public void step(float learningRate) {
    backend.ops().norm().compute(gradientNorm, parameters.gradients());
    others.forEach(other -> other.step(learningRate, gradientNorm));
    steps++;
    for (Batch batch : batches) {
      batch.direct.replay();
      batch.matrices.forEach(matrix -> update(matrix, learningRate, config.weightDecay()));
    }
  }

  /** Each matrix is rounded with its own seed, since elements count from 0 in each. */
  private void update(Matrix matrix, float learningRate, float weightDecay) {
    long seedOfMatrix = seed + parameters.offset(matrix.parameter);
    boolean copied = backend.dtype() != DType.F32;
    backend
        .ops()
        .muon()
        .update(
            copied ? matrix.parameter.value() : null,
            parameters.slice(parameters.values(), matrix.parameter),
            matrix.direction,
            new MuonStep(steps, learningRate, weightDecay, seedOfMatrix));
  }

  @Override
  public float readGradientNormBlocking() {
    return backend.readFloatBlocking(gradientNorm);
  }

  @Override
  public List<State> states() {
    List<State> states = new ArrayList<>();
    for (Batch batch : batches) {
      for (Matrix matrix : batch.matrices) {
        String name = MOMENTUM + matrix.parameter.name();
        states.add(new State(name, matrix.parameter, matrix.momentum));
      }
    }
    others.forEach(other -> states.addAll(other.states()));
    return states;
  }

  /** Redoes the rounding by a step of rate 0, while the directions are still 0. */
  @Override
  public void resumeAt(int steps) {
    this.steps = steps;
    others.forEach(other -> other.resumeAt(steps));
    if (steps > 0 && backend.dtype() == DType.BF16) {
      batches.forEach(batch -> batch.matrices.forEach(matrix -> update(matrix, 0, 0)));
    }
  }

  @Override
  public void close() {
    batches.forEach(batch -> batch.direct.close());
    others.forEach(AdamW::close);
    buffer.close();
  }
}
