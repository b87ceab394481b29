package dev.culebra.examples.cli;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.examples.arithmetic.Arithmetic;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.nn.Variant;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import dev.culebra.train.DeviceChoice;
import dev.culebra.train.DtypeChoice;
import dev.culebra.train.TrainOptions;
import java.util.Optional;
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
  private Training training = new Training();

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
    TrainOptions options = model.options();
    data.addTo(options);
    training.addTo(options);
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
    @Option(
        names = "--data",
        paramLabel = "NAME|PATH",
        description =
            "A corpus by name (see: culebra data list), a text file, a folder of "
                + "them, a .bin of tokens, a .jsonl of {\"prompt\": …, \"completion\": …}, "
                + "or addition or calculator: problems made on the fly (see: culebra "
                + "data show calculator). Default: ${default.data}")
    private String data;

    @Option(
        names = "--digits",
        paramLabel = "N",
        description = "Of addition and calculator: digits of the numbers. Default: 2")
    private Integer digits;

    @Option(
        names = "--tokenizer",
        paramLabel = "KIND|DIR",
        description =
            "char, gpt2, or a folder with a tokenizer: Hugging Face's, or one of culebra tokenizer "
                + "train. Default: ${default.tokenizer}")
    private TokenizerChoice tokenizer;

    @Option(
        names = "--skip-unknown",
        arity = "0",
        description = "With --init-from and a text: leave out what its model does not know.")
    private Boolean skipUnknown;

    private void addTo(TrainOptions options) {
      options
          .data(digits == null ? data : withDigits())
          .tokenizer(tokenizer)
          .skipUnknown(skipUnknown);
    }

    private String withDigits() {
      Arithmetic.Kind kind =
          Optional.ofNullable(data)
              .flatMap(Arithmetic.Kind::find)
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          "--digits goes with --data addition or --data calculator only"));
      return new Arithmetic(kind, digits).name();
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

    @Option(
        names = "--tied-head",
        negatable = true,
        description = "The head shares the embedding's table. Default: ${default.tiedHead}")
    private Boolean tiedHead;

    @Option(
        names = "--activation",
        paramLabel = "NAME",
        description =
            "Of the MLP: identity, relu, gelu_tanh, gelu_erf, relu_squared or silu. "
                + "Default: ${default.activation}")
    private Activation activation;

    @Option(
        names = "--gated-mlp",
        negatable = true,
        description = "A gated MLP; with --activation silu SwiGLU. Default: ${default.gatedMlp}")
    private Boolean gatedMlp;

    @Option(
        names = "--positions",
        paramLabel = "KIND",
        description = "learned or rotary (RoPE). Default: ${default.positions}")
    private Positions positions;

    @Option(
        names = "--norm",
        paramLabel = "KIND",
        description = "layer or rms. Default: ${default.norm}")
    private Normalization norm;

    @Option(
        names = "--qk-norm",
        negatable = true,
        description = "Queries and keys of root mean square 1. Default: ${default.qkNorm}")
    private Boolean qkNorm;

    @Option(
        names = "--kv-heads",
        paramLabel = "N",
        description =
            "Heads of keys and values, a divisor of --heads (GQA); 0: as many. "
                + "Default: ${default.kvHeads}")
    private Integer kvHeads;

    @Option(
        names = "--softcap",
        paramLabel = "X",
        description = "Bound of the logits, by tanh; 0: none. Default: ${default.softcap}")
    private Float softcap;

    @Option(
        names = "--llama",
        arity = "0",
        description =
            "A block as Llama has it: --positions rotary --norm rms --activation silu --gated-mlp "
                + "--no-bias --no-tied-head, each unless the command line says otherwise.")
    private boolean llama;

    private static TrainOptions llamaBlock() {
      return new TrainOptions()
          .positions(Variant.LLAMA.positions())
          .norm(Variant.LLAMA.norm())
          .gatedMlp(Variant.LLAMA.gatedMlp())
          .activation(Activation.SILU)
          .bias(false)
          .tiedHead(false);
    }

    private TrainOptions given() {
      return new TrainOptions()
          .preset(preset)
          .layers(layers)
          .heads(heads)
          .embd(embd)
          .context(context)
          .dropout(dropout)
          .bias(bias)
          .tiedHead(tiedHead)
          .activation(activation)
          .gatedMlp(gatedMlp)
          .positions(positions)
          .norm(norm)
          .qkNorm(qkNorm)
          .kvHeads(kvHeads)
          .softcap(softcap);
    }

    /** What was given, over what {@code --llama} stands for. */
    private TrainOptions options() {
      return llama ? llamaBlock().with(given()) : given();
    }
  }

  /** How to train it. */
  static final class Training {
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
        names = "--optimizer",
        paramLabel = "NAME",
        description =
            "adamw, or muon: Muon for the matrices of the blocks, AdamW for the rest. "
                + "Default: ${default.optimizer}")
    private Optimizer.Kind optimizer;

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
        description =
            "Steps of rising learning rate. Default: ${default.warmup}, at most a tenth of --steps")
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
        names = "--minutes",
        paramLabel = "M",
        description =
            "End after so many minutes of training in all, the learning rate's descent with it, "
                + "however many steps that are unless --steps is given; 0: any. "
                + "Default: ${default.minutes}")
    private Float minutes;

    @Option(
        names = "--patience",
        paramLabel = "N",
        description =
            "End after N evaluations in succession without a lower loss; 0: never. "
                + "Default: ${default.patience}")
    private Integer patience;

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
          .optimizer(optimizer)
          .lr(lr)
          .minLr(minLr)
          .warmup(warmup)
          .schedule(schedule)
          .weightDecay(weightDecay)
          .beta1(beta1)
          .beta2(beta2)
          .clip(clip)
          .minutes(minutes)
          .patience(patience)
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
        description =
            "none, gelu or block: what backward computes again instead of keeping it, for less "
                + "memory. Default: ${default.recompute}")
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
