-- Stops the pods until the pipeline is resumed. An Application with selfHeal undoes it: set spec.suspend in Git instead.
obj.spec.suspend = true
return obj
