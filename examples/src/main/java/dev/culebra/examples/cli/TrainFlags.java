package dev.culebra.examples.cli;

import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.nn.Preset;
import dev.culebra.optim.LearningRate;
import dev.culebra.text.TokenizerKind;
import dev.culebra.train.DeviceChoice;
import dev.culebra.train.DtypeChoice;
import dev.culebra.train.TrainOptions;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/**
 * The options of {@code culebra train} that make up a {@link dev.culebra.train.TrainConfig}. All
 * are {@code null} unless given; their defaults are the preset's, which {@link PresetDefaults}
 * writes into the help.
 */
final class TrainFlags {
  @ArgGroup(exclusive = false, heading = "%nData:%n", order = 10)
  private Data data = new Data();

  @ArgGroup(exclusive = false, heading = "%nModel:%n", order = 20)
  private Model model = new Model();

  @ArgGroup(exclusive = false, heading = "%nTraining:%n", order = 30)
  private Optimizer optimizer = new Optimizer();

  @ArgGroup(exclusive = false, heading = "%nReports:%n", order = 40)
  private Reports reports = new Reports();

  @ArgGroup(exclusive = false, heading = "%nMachine:%n", order = 50)
  private Hardware hardware = new Hardware();

  /** What was given. */
  TrainOptions options() {
    return task().with(machine());
  }

  /** What was given of the run itself. */
  TrainOptions task() {
    TrainOptions options = new TrainOptions();
    data.addTo(options);
    model.addTo(options);
    optimizer.addTo(options);
    reports.addTo(options);
    return options;
  }

  /** What was given of where and how to compute it. */
  TrainOptions machine() {
    TrainOptions options = new TrainOptions();
    hardware.addTo(options);
    return options;
  }

  /** What to read. */
  static final class Data {
    private static final String ADDITION = "addition";

    @Option(
        names = "--data",
        paramLabel = "NAME|PATH",
        description = {
          "A corpus by name (see: culebra data list), a text file, a folder of text files",
          "a .bin of tokens, a .jsonl of {\"prompt\": …, \"completion\": …}, or addition: sums made",
          "on the fly. Default: ${default.data}"
        })
    private String data;

    @Option(
        names = "--digits",
        paramLabel = "N",
        description = "With --data addition: digits of the numbers. Default: 2")
    private Integer digits;

    @Option(
        names = "--tokenizer",
        paramLabel = "KIND",
        description = "${COMPLETION-CANDIDATES}. Default: ${default.tokenizer}")
    private TokenizerKind tokenizer;

    @Option(
        names = "--skip-unknown",
        arity = "0",
        description = "With --init-from: leave out characters that its model does not know.")
    private Boolean skipUnknown;

    private void addTo(TrainOptions options) {
      if (digits != null && !ADDITION.equals(data)) {
        throw new IllegalArgumentException("--digits goes with --data addition only");
      }
      options
          .data(digits == null ? data : ADDITION + "-" + digits)
          .tokenizer(tokenizer)
          .skipUnknown(skipUnknown);
    }
  }

  /** What to train. */
  static final class Model {
    @Option(
        names = "--preset",
        paramLabel = "NAME",
        description = "${COMPLETION-CANDIDATES}. Default: nano")
    private Preset preset;

    @Option(
        names = "--layers",
        paramLabel = "N",
        description = "Blocks. Default: ${default.layers}")
    private Integer layers;

    @Option(
        names = "--heads",
        paramLabel = "N",
        description = "Attention heads, a divisor of --embd. Default: ${default.heads}")
    private Integer heads;

    @Option(names = "--embd", paramLabel = "N", description = "Width. Default: ${default.embd}")
    private Integer embd;

    @Option(
        names = "--context",
        paramLabel = "N",
        description = "Longest sequence, in tokens. Default: ${default.context}")
    private Integer context;

    @Option(
        names = "--dropout",
        paramLabel = "P",
        description = "Probability of dropping. Default: ${default.dropout}")
    private Float dropout;

    @Option(
        names = "--bias",
        negatable = true,
        description = "Biases in linear layers and layernorms. Default: ${default.bias}")
    private Boolean bias;

    private void addTo(TrainOptions options) {
      options
          .preset(preset)
          .layers(layers)
          .heads(heads)
          .embd(embd)
          .context(context)
          .dropout(dropout)
          .bias(bias);
    }
  }

  /** How to train it. */
  static final class Optimizer {
    @Option(
        names = "--batch",
        paramLabel = "N",
        description = "Sequences of a micro-step. Default: ${default.batch}")
    private Integer batch;

    @Option(
        names = "--grad-accum",
        paramLabel = "N",
        description = "Micro-steps of a step. Default: ${default.gradAccum}")
    private Integer gradAccum;

    @Option(
        names = "--steps",
        paramLabel = "N",
        description = "Optimizer steps. Default: ${default.steps}")
    private Integer steps;

    @Option(
        names = "--lr",
        paramLabel = "RATE",
        description = "Highest learning rate. Default: ${default.lr}")
    private Float lr;

    @Option(
        names = "--min-lr",
        paramLabel = "RATE",
        description = "Learning rate at the end. Default: a tenth of --lr")
    private Float minLr;

    @Option(
        names = "--warmup",
        paramLabel = "N",
        description = "Steps of rising learning rate. Default: ${default.warmup}")
    private Integer warmup;

    @Option(
        names = "--schedule",
        paramLabel = "SHAPE",
        description = "cosine, linear or constant: after the warmup. Default: ${default.schedule}")
    private LearningRate.Schedule schedule;

    @Option(
        names = "--weight-decay",
        paramLabel = "X",
        description = "AdamW's, of matrices. Default: ${default.weightDecay}")
    private Float weightDecay;

    @Option(names = "--beta1", paramLabel = "X", description = "AdamW's. Default: ${default.beta1}")
    private Float beta1;

    @Option(names = "--beta2", paramLabel = "X", description = "AdamW's. Default: ${default.beta2}")
    private Float beta2;

    @Option(
        names = "--clip",
        paramLabel = "NORM",
        description = "Largest norm of the gradient; 0: any. Default: ${default.clip}")
    private Float clip;

    @Option(
        names = "--seed",
        paramLabel = "N",
        description = "Of weights, data order, dropout. Default: ${default.seed}")
    private Long seed;

    private void addTo(TrainOptions options) {
      options
          .batch(batch)
          .gradAccum(gradAccum)
          .steps(steps)
          .lr(lr)
          .minLr(minLr)
          .warmup(warmup)
          .schedule(schedule)
          .weightDecay(weightDecay)
          .beta1(beta1)
          .beta2(beta2)
          .clip(clip)
          .seed(seed);
    }
  }

  /** What to tell and keep; each in steps. */
  static final class Reports {
    @Option(
        names = "--eval-every",
        paramLabel = "N",
        description = "Steps between evaluations; 0: at the end. Default: ${default.evalEvery}")
    private Integer evalEvery;

    @Option(
        names = "--eval-batches",
        paramLabel = "N",
        description = "Batches of an evaluation. Default: ${default.evalBatches}")
    private Integer evalBatches;

    @Option(
        names = "--log-every",
        paramLabel = "N",
        description = "Steps between logged steps. Default: ${default.logEvery}")
    private Integer logEvery;

    @Option(
        names = "--save-every",
        paramLabel = "N",
        description = "Steps between checkpoints; 0: at the end. Default: ${default.saveEvery}")
    private Integer saveEvery;

    @Option(
        names = "--sample-every",
        paramLabel = "N",
        description = "Steps between samples; 0: at the end. Default: ${default.sampleEvery}")
    private Integer sampleEvery;

    private void addTo(TrainOptions options) {
      options
          .evalEvery(evalEvery)
          .evalBatches(evalBatches)
          .logEvery(logEvery)
          .saveEvery(saveEvery)
          .sampleEvery(sampleEvery);
    }
  }

  /** Where to compute. */
  static final class Hardware {
    @Option(
        names = "--device",
        paramLabel = "DEVICE",
        description = "auto, cpu, cuda or cuda:N (see: culebra info). Default: ${default.device}")
    private DeviceChoice device;

    @Option(
        names = "--threads",
        paramLabel = "N",
        description = "Threads of the CPU; 0: one a processor. Default: ${default.threads}")
    private Integer threads;

    @Option(
        names = "--dtype",
        paramLabel = "TYPE",
        description =
            "bf16, fp32 or auto: bf16 on a GPU, fp32 on the CPU. Default: ${default.dtype}")
    private DtypeChoice dtype;

    @Option(
        names = "--tf32",
        negatable = true,
        description =
            "On a GPU, fp32 matrix products by TF32 tensor cores. Default: ${default.tf32}")
    private Boolean tf32;

    @Option(
        names = "--binding",
        paramLabel = "NAME",
        description = "How to call CUDA: auto, ffm or jcuda. Default: ${default.binding}")
    private Binding binding;

    @Option(
        names = "--recompute",
        paramLabel = "WHAT",
        description = {
          "none, gelu or block: what backward computes again instead of keeping it, for less",
          "memory. Default: ${default.recompute}"
        })
    private Recompute recompute;

    private void addTo(TrainOptions options) {
      options
          .device(device)
          .threads(threads)
          .dtype(dtype)
          .tf32(tf32)
          .binding(binding)
          .recompute(recompute);
    }
  }
}
