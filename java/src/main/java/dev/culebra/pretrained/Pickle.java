package dev.culebra.pretrained;

import dev.culebra.checkpoint.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Checkpoints that are PyTorch pickles. Reading one could run any code, so the error message says
 * how to convert it to safetensors instead.
 */
final class Pickle {
  private static final String TRANSFORMERS = "pytorch_model.bin";

  /** File names in folders. */
  private static final List<String> NAMES =
      List.of(TRANSFORMERS, TRANSFORMERS + ".index.json", "ckpt.pt");

  private static final List<String> ENDINGS = List.of(".pt", ".pth", ".ckpt");

  /** Transformers can convert every architecture. */
  private static final String BY_TRANSFORMERS =
      "python -c \"from transformers import AutoModelForCausalLM as M; d = '%s';"
          + " M.from_pretrained(d).save_pretrained(d)\"";

  /** nanoGPT stores the shape in {@code model_args}. */
  private static final String BY_PYTORCH =
      "python -c \"import json, torch, safetensors.torch as s; c = torch.load('%s', 'cpu',"
          + " weights_only=False); a = c['model_args']; s.save_file({k: v.clone() for k, v in"
          + " c['model'].items()}, 'model.safetensors'); json.dump({'model_type': 'gpt2',"
          + " 'activation_function': 'gelu', 'bias': a['bias'], 'n_layer': a['n_layer'], 'n_head':"
          + " a['n_head'], 'n_embd': a['n_embd'], 'n_positions': a['block_size'], 'vocab_size':"
          + " a['vocab_size']}, open('config.json', 'w'))\"";

  private Pickle() {}

  /** The pickle at {@code path}, or in the folder at {@code path}. */
  static Optional<Path> in(Path path) {
    if (Files.isDirectory(path)) {
      return NAMES.stream().map(path::resolve).filter(Files::exists).findFirst();
    }
    String name = String.valueOf(path.getFileName());
    boolean isOne = name.startsWith(TRANSFORMERS) || ENDINGS.stream().anyMatch(name::endsWith);
    return isOne && Files.exists(path) ? Optional.of(path) : Optional.empty();
  }

  /**
   * Rejects a pickle, or a folder that holds one.
   *
   * @throws CheckpointException with one line that says what to do instead
   */
  static void refuse(Path path) throws CheckpointException {
    Path pickle = in(path).orElse(null);
    if (pickle != null) {
      boolean transformers = pickle.getFileName().toString().startsWith(TRANSFORMERS);
      Path folder = pickle.toAbsolutePath().normalize().getParent();
      throw new CheckpointException(
          "%s is a PyTorch pickle, which cannot be read; to convert it: %s"
              .formatted(
                  pickle,
                  transformers ? BY_TRANSFORMERS.formatted(folder) : BY_PYTORCH.formatted(pickle)));
    }
  }
}
