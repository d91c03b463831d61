-- Resumes a suspended pipeline from its committed work.
obj.spec.suspend = nil
return obj
