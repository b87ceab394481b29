package dev.culebra;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.culebra.backend.Op;
import dev.culebra.backend.Ops;
import org.junit.jupiter.api.Test;

/** Imports follow the flow of data: text, tokens, batch, model, optimizer, checkpoint. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.culebra");

  private static final DescribedPredicate<JavaClass> OURS =
      JavaClass.Predicates.resideInAPackage("dev.culebra..");

  @Test
  void foundationsImportNoOtherPackages() {
    for (String foundation : new String[] {"tensor", "random", "text", "io", "options"}) {
      String itself = "dev.culebra." + foundation + "..";
      check(
          noClasses()
              .that()
              .resideInAPackage(itself)
              .should()
              .dependOnClassesThat(
                  OURS.and(DescribedPredicate.not(JavaClass.Predicates.resideInAPackage(itself)))));
    }
  }

  @Test
  void importsRunOneWay() {
    check(
        layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("tensor")
            .definedBy("dev.culebra.tensor..")
            .layer("backend")
            .definedBy("dev.culebra.backend")
            .layer("cpu")
            .definedBy("dev.culebra.backend.cpu..")
            .layer("cuda")
            .definedBy("dev.culebra.cuda..")
            .layer("backend.cuda")
            .definedBy("dev.culebra.backend.cuda..")
            .layer("nn")
            .definedBy("dev.culebra.nn..")
            .layer("optim")
            .definedBy("dev.culebra.optim..")
            .layer("data")
            .definedBy("dev.culebra.data..")
            .layer("checkpoint")
            .definedBy("dev.culebra.checkpoint..")
            .layer("generate")
            .definedBy("dev.culebra.generate..")
            .layer("pretrained")
            .definedBy("dev.culebra.pretrained..")
            .layer("train")
            .definedBy("dev.culebra.train..")
            .whereLayer("backend")
            .mayOnlyAccessLayers("tensor")
            .whereLayer("cpu")
            .mayOnlyAccessLayers("tensor", "backend")
            .whereLayer("cuda")
            .mayOnlyAccessLayers("tensor")
            .whereLayer("backend.cuda")
            .mayOnlyAccessLayers("tensor", "backend", "cuda")
            .whereLayer("nn")
            .mayOnlyAccessLayers("tensor", "backend")
            .whereLayer("optim")
            .mayOnlyAccessLayers("tensor", "backend", "nn")
            .whereLayer("data")
            .mayNotAccessAnyLayer()
            .whereLayer("checkpoint")
            .mayOnlyAccessLayers("tensor")
            .whereLayer("generate")
            .mayOnlyAccessLayers("tensor", "backend", "nn")
            .whereLayer("pretrained")
            .mayOnlyAccessLayers("tensor", "backend", "nn", "checkpoint")
            .whereLayer("train")
            .mayNotBeAccessedByAnyLayer());
  }

  @Test
  void onlyModelsOptimizersAndGenerationCallOps() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackages(
                "dev.culebra.backend..",
                "dev.culebra.nn..",
                "dev.culebra.optim..",
                "dev.culebra.generate..")
            .should()
            .dependOnClassesThat()
            .areAssignableTo(Ops.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(Op.class));
  }

  @Test
  void onlyTheBindingImportsJCuda() {
    check(
        noClasses()
            .that()
            .resideOutsideOfPackage("dev.culebra.cuda..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jcuda.."));
  }

  @Test
  void packagesHaveNoCycles() {
    check(slices().matching("dev.culebra.(**)").should().beFreeOfCycles());
  }

  private static void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(CLASSES);
  }
}
