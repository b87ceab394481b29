package dev.culebra.pretrained;

import dev.culebra.checkpoint.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Checkpoints that are pickles of PyTorch's: they may run any code, so they are not read. What is
 * said instead is how to turn them into safetensors.
 */
final class Pickle {
  private static final String TRANSFORMERS = "pytorch_model.bin";

  /** What folders call them. */
  private static final List<String> NAMES =
      List.of(TRANSFORMERS, TRANSFORMERS + ".index.json", "ckpt.pt");

  private static final List<String> ENDINGS = List.of(".pt", ".pth", ".ckpt");

  /** Of {@code from_pretrained}, which knows all architectures. */
  private static final String BY_TRANSFORMERS =
      "python -c \"from transformers import AutoModelForCausalLM as M; d = '%s';"
          + " M.from_pretrained(d).save_pretrained(d)\"";

  /** Of nanoGPT's, whose shape is in {@code model_args}. */
  private static final String BY_PYTORCH =
      "python -c \"import json, torch, safetensors.torch as s; c = torch.load('%s', 'cpu',"
          + " weights_only=False); a = c['model_args']; s.save_file({k: v.clone() for k, v in"
          + " c['model'].items()}, 'model.safetensors'); json.dump({'model_type': 'gpt2',"
          + " 'activation_function': 'gelu', 'bias': a['bias'], 'n_layer': a['n_layer'], 'n_head':"
          + " a['n_head'], 'n_embd': a['n_embd'], 'n_positions': a['block_size'], 'vocab_size':"
          + " a['vocab_size']}, open('config.json', 'w'))\"";

  private Pickle() {}

  /** The pickle that {@code path} is, or that lies in that folder. */
  static Optional<Path> in(Path path) {
    if (Files.isDirectory(path)) {
      return NAMES.stream().map(path::resolve).filter(Files::exists).findFirst();
    }
    String name = String.valueOf(path.getFileName());
    boolean isOne = name.startsWith(TRANSFORMERS) || ENDINGS.stream().anyMatch(name::endsWith);
    return isOne && Files.exists(path) ? Optional.of(path) : Optional.empty();
  }

  /**
   * Refuses a pickle, alone or in a folder.
   *
   * @throws CheckpointException one line that says what to do instead
   */
  static void refuse(Path path) throws CheckpointException {
    Path pickle = in(path).orElse(null);
    if (pickle != null) {
      boolean transformers = pickle.getFileName().toString().startsWith(TRANSFORMERS);
      Path folder = pickle.toAbsolutePath().normalize().getParent();
      throw new CheckpointException(
          "%s is a pickle of PyTorch's, which is not read; this writes safetensors: %s"
              .formatted(
                  pickle,
                  transformers ? BY_TRANSFORMERS.formatted(folder) : BY_PYTORCH.formatted(pickle)));
    }
  }
}
